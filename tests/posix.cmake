# SPDX-License-Identifier: MIT
# Tests of libcede-posix, tools/demo and the examples that need libcurl; included by CMakeLists.txt.

if(NOT TARGET cede_posix)
    return()
endif()
pkg_check_modules(CURL IMPORTED_TARGET libcurl)

# The same calls as a plain and as a fortified program makes them. -O2 in any build: fortification needs it.
foreach(form plain fortified)
    add_library(test_posix_${form} OBJECT test_posix_calls.c)
    target_compile_definitions(test_posix_${form} PRIVATE _GNU_SOURCE TABLE=posix_calls_${form})
    target_compile_options(test_posix_${form} PRIVATE ${c_warnings} -O2 -U_FORTIFY_SOURCE)
endforeach()
target_compile_options(test_posix_fortified PRIVATE -D_FORTIFY_SOURCE=2)

# A suite that uses libc's names; libraries follow libcede-posix.
function(cede_posix_suite name)
    add_executable(${name} ${name}.c $<TARGET_OBJECTS:test_harness>)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_compile_options(${name} PRIVATE ${c_warnings} -UNDEBUG)
    target_link_libraries(${name} PRIVATE cede_posix ${ARGN} PkgConfig::CHECK Threads::Threads ${CMAKE_DL_LIBS})
    cede_test(${name} unit 300 ${name})
    cede_covered(${name} ${name} test_cover_no_waits)
endfunction()

cede_posix_suite(test_posix test_posix_plain test_posix_fortified)
cede_over_uring(test_posix)
cede_posix_suite(test_posix_descriptor test_posix_plain)
cede_over_uring(test_posix_descriptor)
cede_posix_suite(test_posix_sigmask)
cede_posix_suite(test_posix_semantics)
# It makes mistakes on purpose that a compiler sees, and uses what is merely old.
target_compile_options(test_posix_semantics PRIVATE -Wno-nonnull -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-deprecated-declarations -Wno-unknown-warning-option)
cede_over_uring(test_posix_semantics)

# libcede-posix leaves signals to ThreadSanitizer.
if(NOT CMAKE_C_FLAGS MATCHES "sanitize=thread")
    cede_posix_suite(test_posix_jump)
endif()

# Entries of functions, by themselves.
set(patch ${port}/patch.c)
if(EXISTS ${patch})
    add_executable(test_posix_patch test_posix_patch.c $<TARGET_OBJECTS:test_harness> ${patch})
    target_compile_definitions(test_posix_patch PRIVATE
        _GNU_SOURCE "PATCH_CASES=\"patch_cases_${CMAKE_SYSTEM_PROCESSOR}.h\"")
    target_compile_options(test_posix_patch PRIVATE ${c_warnings} -UNDEBUG)
    target_link_libraries(test_posix_patch PRIVATE cede_static PkgConfig::CHECK)
    cede_test(test_posix_patch unit 300 test_posix_patch)
endif()
# Where libc's entries are not patched, stdio is as it always was: nothing to test.
if(EXISTS ${patch} AND NOT CMAKE_C_FLAGS MATCHES "sanitize")
    cede_posix_suite(test_posix_stdio)
endif()
# Loaded by a program that is not linked with it.
if(NOT CMAKE_C_FLAGS MATCHES "sanitize")
    add_executable(test_posix_late test_posix_late.c harness.c)
    target_compile_definitions(test_posix_late PRIVATE _GNU_SOURCE "POSIX_LIBRARY=\"$<TARGET_FILE:cede_posix>\"")
    target_compile_options(test_posix_late PRIVATE ${c_warnings} -UNDEBUG)
    target_include_directories(test_posix_late PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(test_posix_late PRIVATE PkgConfig::CHECK Threads::Threads ${CMAKE_DL_LIBS})
    add_dependencies(test_posix_late cede_posix)
    cede_test(test_posix_late unit 300 test_posix_late)
endif()
if(CURL_FOUND)
    cede_posix_suite(test_posix_curl PkgConfig::CURL)
    cede_over_uring(test_posix_curl)
endif()

foreach(noun mutex cond sync storm)
    cede_posix_suite(test_posix_${noun})
endforeach()

# ---- the ways to be loaded, or not ----

foreach(form alone last)
    add_executable(test_posix_${form} test_posix_yields.c)
    target_compile_definitions(test_posix_${form} PRIVATE _GNU_SOURCE)
    target_compile_options(test_posix_${form} PRIVATE ${c_warnings})
    target_link_libraries(test_posix_${form} PRIVATE cede_shared)
endforeach()
# libc before libcede-posix: libc wins. --no-as-needed keeps what nobody needs any more.
target_link_libraries(test_posix_last PRIVATE -Wl,--no-as-needed c cede_posix)

function(cede_posix_loading name expected)
    cede_test(posix_${name} unit 60 ${ARGN})
    set_tests_properties(posix_${name} PROPERTIES PASS_REGULAR_EXPRESSION "${expected}")
endfunction()

cede_posix_loading(not_loaded "^not loaded: usleep blocks\n$" test_posix_alone)
string(CONCAT complaint "^libcede-posix: [a-z_0-9]+\\(\\) goes to [^ ]+ instead.*Link -lcede-posix before.*\n"
    "not in effect \\(ENOSYS\\): usleep blocks\n$")
cede_posix_loading(linked_last "${complaint}" test_posix_last)
set_tests_properties(posix_linked_last PROPERTIES ENVIRONMENT CEDE_POSIX=symbols)
cede_covered(test_posix_last posix_linked_last test_cover_no_waits)
# What C++ keeps for each thread is libstdc++'s where that comes first: all else is as it should be.
if(CMAKE_CXX_COMPILER)
    add_executable(test_posix_after_cxx test_posix_yields.c)
    target_compile_definitions(test_posix_after_cxx PRIVATE _GNU_SOURCE)
    target_compile_options(test_posix_after_cxx PRIVATE ${c_warnings})
    target_link_libraries(test_posix_after_cxx PRIVATE -Wl,--no-as-needed stdc++ cede_posix)
    # A sanitizer has exceptions in its own hands, or brings a libstdc++ that comes first whatever the order.
    if(NOT CMAKE_C_FLAGS MATCHES "sanitize")
        cede_posix_loading(linked_after_cxx "^in effect: usleep yields\n$" test_posix_after_cxx)
    endif()
endif()
# A sanitizer's runtime insists on being the first library of a program.
if(NOT CMAKE_C_FLAGS MATCHES "sanitize" AND NOT CMAKE_CROSSCOMPILING)
    cede_posix_loading(linked_last_and_patched "^in effect: usleep yields\n$" test_posix_last)
    set(preload ${CMAKE_COMMAND} -E env LD_PRELOAD=$<TARGET_FILE:cede_posix>)
    cede_posix_loading(preloaded "^in effect: usleep yields\n$" ${preload} $<TARGET_FILE:test_posix_alone>)
    cede_posix_loading(preloaded_mends_order "^in effect: usleep yields\n$" ${preload} $<TARGET_FILE:test_posix_last>)
    cede_posix_loading(preloaded_into_a_shell "^6\n$" ${preload} sh -c "sleep 0.01 && echo hello | cat | wc -c")
endif()

# ---- the command ----

# Programs that it runs; they know nothing of cede. Arguments: the name, the files.
function(cede_run_program name)
    add_executable(run_${name} ${ARGN})
    target_compile_definitions(run_${name} PRIVATE _GNU_SOURCE)
    target_compile_options(run_${name} PRIVATE ${c_warnings})
    target_include_directories(run_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(run_${name} PRIVATE Threads::Threads)
endfunction()

cede_run_program(main run_main.c)
# Once more where the compiler makes clean-up handlers in its other way.
foreach(form threads threads_unwinding)
    cede_run_program(${form} run_threads.c run_threads_life.c run_threads_cancel.c run_threads_signals.c
        run_threads_masks.c run_threads_futexes.c run_threads_rest.c)
endforeach()
target_compile_options(run_threads_unwinding PRIVATE -fexceptions)
if(CMAKE_CXX_COMPILER)
    add_executable(run_threads_cxx run_threads_cxx.cpp)
    target_link_libraries(run_threads_cxx PRIVATE Threads::Threads)
    set(threads_cxx $<TARGET_FILE:run_threads_cxx>)
endif()
if(TARGET cede_command AND NOT CMAKE_C_FLAGS MATCHES "sanitize" AND NOT CMAKE_CROSSCOMPILING)
    cede_test(cede_command unit 120 ${CMAKE_CURRENT_SOURCE_DIR}/test_cede_command.sh
        $<TARGET_FILE:cede_command> $<TARGET_FILE:run_main> ${cc})
    cede_test(cede_threads unit 300 ${CMAKE_CURRENT_SOURCE_DIR}/test_cede_threads.sh
        $<TARGET_FILE:cede_command> $<TARGET_FILE:run_threads> $<TARGET_FILE:run_threads_unwinding> ${threads_cxx})
    cede_test(cede_bench unit 120 ${CMAKE_CURRENT_SOURCE_DIR}/test_cede_bench.sh $<TARGET_FILE:cede_command>)
endif()

# ---- libcurl for users ----

if(CURL_FOUND)
    cede_example(12_parallel_fetch cede_posix PkgConfig::CURL)
endif()

if(TARGET demo)
    cede_test(demo unit 120 ${CMAKE_CURRENT_SOURCE_DIR}/test_posix_demo.sh $<TARGET_FILE:demo>)
endif()

# ---- the table of calls ----

# Measured where libc's entries are patched, on the CPU that the documents are about; half a minute, so in one leg.
if(TARGET cede-calls AND CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64 AND NOT CMAKE_CROSSCOMPILING
   AND NOT CMAKE_C_FLAGS MATCHES "sanitize" AND NOT CEDE_VALGRIND)
    cede_test(check_calls "check;slow" 300 ${CMAKE_CURRENT_SOURCE_DIR}/check_calls.sh $<TARGET_FILE:cede_command>)
    set_tests_properties(check_calls PROPERTIES RUN_SERIAL ON)
endif()
