# SPDX-License-Identifier: MIT
# Real, unmodified client libraries against real servers: tests/test_client_<library>.c. A library that is not
# installed has no suite, a server that is not installed makes its suite count as skipped. Label: servers.

if(NOT TARGET cede_posix)
    return()
endif()

# A test that is a program in Python.
find_program(CEDE_PYTHON python3)
function(cede_python_test name labels timeout)
    if(CEDE_PYTHON)
        cede_test(${name} "${labels}" ${timeout} ${CEDE_PYTHON} ${ARGN})
    else()
        cede_test(${name} "${labels}" ${timeout} sh -c "echo 'skipped: there is no python3'; exit 77")
    endif()
endfunction()

# LIBRARY is a module of pkg-config, or - for none.
function(cede_client_suite name module)
    pkg_check_modules(${module} IMPORTED_TARGET ${module})
    if(NOT ${module}_FOUND)
        message(STATUS "test_client_${name} is not built: pkg-config has no ${module}")
        return()
    endif()
    add_executable(test_client_${name} test_client_${name}.c client.c server.c server_nginx.c
        $<TARGET_OBJECTS:test_harness>)
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

# ---- examples/service: a service with PostgreSQL and Redis, and what becomes of it when these and its copies die ----

find_path(HTTP_PARSER_INCLUDE http_parser.h)
find_library(HTTP_PARSER_LIBRARY http_parser)
if(libpq_FOUND AND hiredis_FOUND AND HTTP_PARSER_INCLUDE AND HTTP_PARSER_LIBRARY)
    add_executable(example_service examples/service/service.c examples/service/store.c)
    target_compile_definitions(example_service PRIVATE _GNU_SOURCE)
    target_compile_options(example_service PRIVATE ${c_warnings})
    target_include_directories(example_service PRIVATE ${HTTP_PARSER_INCLUDE})
    target_link_libraries(example_service PRIVATE cede_posix PkgConfig::libpq PkgConfig::hiredis
        ${HTTP_PARSER_LIBRARY})
    cede_python_test(client_service servers 120 ${CMAKE_CURRENT_SOURCE_DIR}/test_client_service.py
        $<TARGET_FILE:example_service>)
else()
    message(STATUS "examples/service is not built: needs libpq, hiredis and http_parser")
endif()

# ---- programs that make a thread for each connection, under `cede run --threads` ----

if(TARGET cede_command AND NOT CMAKE_C_FLAGS MATCHES "sanitize" AND NOT CMAKE_CROSSCOMPILING)
    pkg_check_modules(libmicrohttpd IMPORTED_TARGET libmicrohttpd)
    if(libmicrohttpd_FOUND)
        add_executable(run_microhttpd run_microhttpd.c)
        target_compile_definitions(run_microhttpd PRIVATE _GNU_SOURCE)
        target_compile_options(run_microhttpd PRIVATE ${c_warnings})
        target_link_libraries(run_microhttpd PRIVATE PkgConfig::libmicrohttpd Threads::Threads)
        set(microhttpd $<TARGET_FILE:run_microhttpd>)
    endif()
    cede_python_test(client_threads servers 300 ${CMAKE_CURRENT_SOURCE_DIR}/test_client_threads.py
        $<TARGET_FILE:cede_command> ${microhttpd})
endif()
