# llhttp, from the distribution: the library where there is one (Debian 13, Ubuntu 24.04: libllhttp-dev), else the C
# sources that Debian 12's node-llhttp package ships in /usr/share/llhttp, compiled here in strict mode.
#
# Defines the target Llhttp::Llhttp. The strict-mode macro is set for everything that includes llhttp.h; that the parser is
# really strict is proved when rille starts (rl_h1_self_test).

find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp)
find_library(LLHTTP_LIBRARY llhttp)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
if(LLHTTP_LIBRARY)
  find_package_handle_standard_args(Llhttp REQUIRED_VARS LLHTTP_LIBRARY LLHTTP_INCLUDE_DIR)
else()
  find_package_handle_standard_args(Llhttp REQUIRED_VARS LLHTTP_SOURCE_DIR LLHTTP_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "install node-llhttp or libllhttp-dev (script/bootstrap does)")
endif()

if(Llhttp_FOUND AND NOT TARGET Llhttp::Llhttp)
  if(LLHTTP_LIBRARY)
    add_library(llhttp INTERFACE)
    target_link_libraries(llhttp INTERFACE ${LLHTTP_LIBRARY})
    target_include_directories(llhttp SYSTEM INTERFACE ${LLHTTP_INCLUDE_DIR})
    target_compile_definitions(llhttp INTERFACE LLHTTP_STRICT_MODE=1)
  else()
    add_library(llhttp STATIC ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c)
    target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
    target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
    target_compile_options(llhttp PRIVATE -w)
    set_target_properties(llhttp PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  add_library(Llhttp::Llhttp ALIAS llhttp)
endif()
