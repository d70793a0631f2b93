# SPDX-License-Identifier: MIT
#
# Toolchain file: builds for another CPU with Debian's cross gcc and runs the tests under qemu-user.
#
#     tools/sysroot aarch64 build/sysroot
#     cmake -S . -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=tools/cmake/cross.cmake -DCEDE_CROSS_CPU=aarch64 \
#         -DCEDE_CROSS_SYSROOT=$PWD/build/sysroot
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CEDE_CROSS_CPU CEDE_CROSS_SYSROOT)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CEDE_CROSS_CPU})
set(CMAKE_SYSROOT ${CEDE_CROSS_SYSROOT})
set(CMAKE_C_COMPILER ${CEDE_CROSS_CPU}-linux-gnu-gcc)
find_program(CEDE_CROSS_CXX ${CEDE_CROSS_CPU}-linux-gnu-g++)
if(CEDE_CROSS_CXX)
    set(CMAKE_CXX_COMPILER ${CEDE_CROSS_CXX})
endif()
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${CEDE_CROSS_CPU}-static -L ${CEDE_CROSS_SYSROOT})

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# pkg-config is to look into the sysroot, and nowhere else.
set(cross_lib ${CEDE_CROSS_SYSROOT}/usr/lib/${CEDE_CROSS_CPU}-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} ${cross_lib}/pkgconfig:${CEDE_CROSS_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CEDE_CROSS_SYSROOT})
