# Where the sources come from, for what `rille new` writes: projects build rille by it in CI and in images.
#
# RILLE_REPOSITORY is the address of a clone that everybody can read, without anybody's name or token in it; "" where there is
# none. RILLE_REVISION is the commit where it has that, else the branch.
find_package(Git QUIET)

function(rille_ask_git out)
  set(${out} "" PARENT_SCOPE)
  if(NOT GIT_FOUND)
    return()
  endif()
  execute_process(COMMAND ${GIT_EXECUTABLE} ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE answer ERROR_QUIET
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${out} "${answer}" PARENT_SCOPE)
endfunction()

function(rille_find_origin)
  set(address "")
  if(EXISTS ${CMAKE_SOURCE_DIR}/.git)
    rille_ask_git(address remote get-url origin)
  endif()
  if(address MATCHES "^(https://|ssh://)([^@/]*@)?(.+)$")
    set(address "https://${CMAKE_MATCH_3}")
  elseif(address MATCHES "^[^@/:]+@([^/:]+):(.+)$")
    set(address "https://${CMAKE_MATCH_1}/${CMAKE_MATCH_2}")
  else()
    set(address "")
  endif()
  set(revision main)
  if(address)
    rille_ask_git(known branch -r --contains HEAD)
    if(known)
      rille_ask_git(revision rev-parse HEAD)
    endif()
  endif()
  set(RILLE_REPOSITORY "${address}" PARENT_SCOPE)
  set(RILLE_REVISION "${revision}" PARENT_SCOPE)
endfunction()

if(NOT DEFINED RILLE_REPOSITORY) # nobody has said it: -DRILLE_REPOSITORY=https://… -DRILLE_REVISION=v1.0.0
  rille_find_origin()
elseif(NOT DEFINED RILLE_REVISION)
  set(RILLE_REVISION main)
endif()
