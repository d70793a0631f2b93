/* SPDX-License-Identifier: MIT */
/* libcurl by HTTPS. */
#define CLIENT_CURL_NAME "libcurl, HTTPS"
#define CLIENT_CURL_SCHEME "https"
#define CLIENT_CURL_ENCRYPTED true
#include "client_curl.h"
