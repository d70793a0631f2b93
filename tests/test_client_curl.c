/* SPDX-License-Identifier: MIT */
/* libcurl by HTTP. */
#define CLIENT_CURL_NAME "libcurl, HTTP"
#define CLIENT_CURL_SCHEME "http"
#define CLIENT_CURL_ENCRYPTED false
#include "client_curl.h"
