# What `cmake --install` puts where, and the .deb that CPack makes of it. The library is inside the binary; beside it go the
# annotations for editors, the docs, the manual page, and units for systemd.
include(GNUInstallDirs)

install(TARGETS rille RUNTIME)
install(DIRECTORY lua/rille/meta DESTINATION ${CMAKE_INSTALL_DATADIR}/rille/lua) # where .luarc.json of `rille new` looks
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN "*.1" EXCLUDE PATTERN "site*" EXCLUDE PATTERN "design*" EXCLUDE PATTERN "images*" EXCLUDE)
install(FILES CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
find_program(GZIP gzip REQUIRED)
set(manual ${CMAKE_CURRENT_BINARY_DIR}/rille.1.gz)
add_custom_command(OUTPUT ${manual} COMMAND ${GZIP} -9nc ${CMAKE_SOURCE_DIR}/docs/rille.1 > ${manual} DEPENDS docs/rille.1)
add_custom_target(manual ALL DEPENDS ${manual})
install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
foreach(pair bash:bash-completion/completions/rille zsh:zsh/site-functions/_rille fish:fish/vendor_completions.d/rille.fish)
  string(REGEX MATCH "^([a-z]+):(.*/)([^/]+)$" _ ${pair})
  set(shell ${CMAKE_MATCH_1})
  set(folder ${CMAKE_MATCH_2})
  set(name ${CMAKE_MATCH_3})
  set(completion ${CMAKE_CURRENT_BINARY_DIR}/completion.${shell})
  add_custom_command(OUTPUT ${completion} COMMAND rille completion ${shell} > ${completion} DEPENDS rille)
  list(APPEND completions ${completion})
  install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder} RENAME ${name})
endforeach()
add_custom_target(completions ALL DEPENDS ${completions})
install(FILES packages/systemd/rille@.service packages/systemd/rille@.socket DESTINATION lib/systemd/system)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VENDOR "the rille authors")
set(CPACK_PACKAGE_CONTACT "the rille authors <rille@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "web runtime: a C core, handlers in Lua that read as if they blocked")
set(CPACK_PACKAGE_DESCRIPTION "Serves programs written in Lua 5.4 on libuv, with SQLite, templates, sessions, an HTTP client and a
test runner in one binary.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, libcurl4, libssl3, libidn2-0, libpsl5") # loaded when they are first used
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libgd3, libedit2, lua-busted") # rille.image and rille console, loaded likewise; rille test
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "lua-check")             # rille check
include(CPack)
