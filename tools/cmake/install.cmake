# SPDX-License-Identifier: MIT
#
# `cmake --install`: libraries, headers, the command `cede`, a pkg-config file for each shared library, and the CMake
# package.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY cede_libraries)
install(TARGETS ${libraries} EXPORT cede-targets)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET cede_command)
    file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${CMAKE_INSTALL_LIBDIR})
    set_target_properties(cede_command PROPERTIES INSTALL_RPATH "$ORIGIN/${up}")
    install(TARGETS cede_command)
endif()
if(TARGET cede-calls)
    set(cells ${CMAKE_INSTALL_LIBEXECDIR}/cede)
    file(RELATIVE_PATH up /prefix/${cells} /prefix/${CMAKE_INSTALL_LIBDIR})
    set_target_properties(cede-calls PROPERTIES INSTALL_RPATH "$ORIGIN/${up}")
    install(TARGETS cede-calls RUNTIME DESTINATION ${cells})
    install(TARGETS cede-calls-library LIBRARY DESTINATION ${cells})
    if(TARGET cede-calls-static)
        install(TARGETS cede-calls-static RUNTIME DESTINATION ${cells})
    endif()
    install(FILES runtime/posix/cede-calls.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7)
endif()

# ---- pkg-config: paths relative to the file, so that an installed tree may be moved ----

if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
    file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    string(REGEX REPLACE "/$" "" up "${up}")
    set(pc_prefix "\${pcfiledir}/${up}")
endif()
cmake_path(APPEND pc_libdir "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND pc_includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
set(pc_libs_private ${CMAKE_THREAD_LIBS_INIT})
foreach(library ${CMAKE_DL_LIBS})
    string(APPEND pc_libs_private " -l${library}")
endforeach()

foreach(file cede cede-posix)
    configure_file(tools/cmake/${file}.pc.in ${file}.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

# ---- find_package(cede) ----

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cede)
install(EXPORT cede-targets NAMESPACE cede:: DESTINATION ${package_dir})
configure_package_config_file(tools/cmake/cede-config.cmake.in cede-config.cmake INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO)
# Before 1.0 a new minor version may break its users.
write_basic_package_version_file(cede-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cede-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/cede-config-version.cmake
    DESTINATION ${package_dir})
