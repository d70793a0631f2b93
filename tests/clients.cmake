# SPDX-License-Identifier: MIT
# Real, unmodified client libraries against real servers: tests/test_client_<library>.c. A library that is not
# installed has no suite, a server that is not installed makes its suite count as skipped. Label: servers.

if(NOT TARGET cede_posix)
    return()
endif()

# LIBRARY is a module of pkg-config, or - for none.
function(cede_client_suite name module)
    pkg_check_modules(${module} IMPORTED_TARGET ${module})
    if(NOT ${module}_FOUND)
        message(STATUS "test_client_${name} is not built: pkg-config has no ${module}")
        return()
    endif()
    add_executable(test_client_${name} test_client_${name}.c client.c server.c server_nginx.c harness.c)
    target_compile_definitions(test_client_${name} PRIVATE _GNU_SOURCE
        CLIENTS_DOCUMENT="${PROJECT_SOURCE_DIR}/runtime/posix/CLIENTS.md")
    target_compile_options(test_client_${name} PRIVATE ${c_warnings} -UNDEBUG)
    target_link_libraries(test_client_${name} PRIVATE cede_posix PkgConfig::${module} PkgConfig::CHECK)
    cede_test(test_client_${name} servers 300 test_client_${name})
endfunction()

cede_client_suite(curl libcurl)
cede_client_suite(curl_tls libcurl)
cede_client_suite(openssl openssl)
cede_client_suite(postgresql libpq)
cede_client_suite(redis hiredis)
cede_client_suite(mariadb libmariadb)
