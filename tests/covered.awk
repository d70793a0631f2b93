# SPDX-License-Identifier: MIT
# covered.awk: what the public headers promise, for the tests of it; see check_covered.sh.
#
#     awk -v want=WHAT -f covered.awk HEADER...
#
# WHAT is
#     names     the functions, one a line; a call of the n-th is recorded in the n-th row (see cover.h)
#     calls     a C header that records what each call of a function returns, for inclusion before a suite's text
#     required  what must have been seen: "function outcome [waiting]", where the outcome is ok or an errno; "macro use"
#     wrong     blocks of documentation that do not tell what they must
#
# How a header is read. A comment describes the declarations (CEDE_API, #define) that follow without an empty line. The
# errnos that it documents are those in lines of their own, and those behind the word errno:
#
#      *   EPERM, EINVAL  why
#      * Returns 0, or -1 with errno EINVAL (why) or EPERM: why.
#
# of each function that follows; or, where "why" begins with "cede_x(): " or "cede_x() and cede_y(): ", of these only.
# Those in lines of their own in the first comment of a file are of every function in it that parks.
# "as every wait" and "those of every wait" stand for ECANCELED and ETIMEDOUT; "those of cede_x()" for what that one
# documents. A function parks unless the comment says that it does not ("Does not park", "Neither parks" ...), and one
# that parks and can fail must document ECANCELED and ETIMEDOUT.
#
# A macro that calls a private function (cede_go) is known by that one; of one that is another way to write a public
# function (cede_chan_put), a test must make use.

function fail(text) {
    print FILENAME ":" FNR ": " text > "/dev/stderr"
    exit failed = 1
}

# ---- reading ----

FNR == 1 { block = ""; in_comment = 0 }
/^#ifndef/ { if (!(FILENAME in heading)) heading[FILENAME] = block; block = "" }

# Declarations and macros may take several lines.
declaration != "" {
    declaration = declaration " " $0
    if (/;/) end_declaration()
    next
}
macro != "" {
    body = body " " $0
    if (!/\\$/) end_macro()
    next
}
!in_comment && /^\/\*/ {
    in_comment = 1
    block = ""
}
in_comment {
    block = block " " $0 "\n"
    if (/\*\//) in_comment = 0
    next
}
/^$/ { block = "" }
/^CEDE_API / {
    declaration = $0
    if (/;/) end_declaration()
}
/^#define cede_[a-z_0-9]+/ {
    macro = $2
    sub(/\(.*/, "", macro)
    body = $0
    if (!/\\$/) end_macro()
}

function end_declaration(    name, open) {
    gsub(/ +/, " ", declaration)
    sub(/ __attribute__.*/, ";", declaration)
    sub(/^CEDE_API /, "", declaration)
    open = index(declaration, "(")
    name = substr(declaration, 1, open - 1)
    sub(/.*[^a-z_0-9]/, "", name)
    type[name] = substr(declaration, 1, open - 1 - length(name))
    sub(/ $/, "", type[name])
    parameters[name] = substr(declaration, open + 1)
    sub(/\);.*/, "", parameters[name])
    functions[++count] = name
    if (name !~ /^cede__/) describe(name)
    declaration = ""
}

function end_macro() {
    body_of[macro] = body
    macros[++macro_count] = macro
    described_by[macro] = block
    file_of[macro] = FILENAME
    where[macro] = FILENAME ":" FNR
    macro = ""
}

function describe(name) {
    public[++public_count] = name
    described_by[name] = block
    file_of[name] = FILENAME
    where[name] = FILENAME ":" FNR
}

# ---- understanding ----

# The parameter's name: of "void (*fn)(void *arg)" fn, of "int fds[2]" fds.
function parameter_name(parameter) {
    if (match(parameter, /\(\*[a-z_]+\)/))
        return substr(parameter, RSTART + 2, RLENGTH - 3)
    sub(/\[.*/, "", parameter)
    sub(/.*[^a-z_0-9]/, "", parameter)
    return parameter
}

# Splits at the commas that are not in parentheses.
function split_parameters(text, parts,    i, n, depth, c) {
    n = 1
    parts[1] = ""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        depth += (c == "(") - (c == ")")
        if (c == "," && depth == 0)
            parts[++n] = ""
        else
            parts[n] = parts[n] c
    }
    return n
}

# The block as one line of words.
function flat(text) {
    gsub(/\n/, " ", text)
    gsub(/[ \t]+\*[ \/]/, " ", text)
    gsub(/[ \t]+/, " ", text)
    return text
}

function parks(name) {
    return flat(described_by[name]) !~ /(not|[Nn]either|[Nn]ever|[Nn]one of them) parks?/
}

# Adds the errnos that stand in lines of their own. Returns the other lines.
function tables(name, text,    lines, n, i, rest, others) {
    others = ""
    n = split(text, lines, "\n")
    for (i = 1; i <= n; i++) {
        if (!match(lines[i], /^ *\*  +E[A-Z0-9]+(, +E[A-Z0-9]+)*( \.\.\.)?(  |$)/)) {
            others = others lines[i] "\n"
            continue
        }
        rest = substr(lines[i], RSTART + RLENGTH)
        sub(/^ */, "", rest)
        if (rest !~ /^cede_[a-z_0-9]+\(\)(, cede_[a-z_0-9]+\(\))*( and cede_[a-z_0-9]+\(\))?: / ||
            index(" " substr(rest, 1, index(rest, ": ")), " " name "()"))
            add_list(name, substr(lines[i], RSTART, RLENGTH))
    }
    return others
}

# Fills errnos[name, E...], a list in errno_list[name].
function understand(name,    rest, text, reference) {
    if (name in understood)
        return
    understood[name] = 1
    errno_list[name] = ""
    if (name in type && parks(name))
        tables(name, heading[file_of[name]])
    text = tables(name, described_by[name])
    text = flat(text)
    rest = text
    while (match(rest, /errno E[A-Z0-9]+( \([^)]*\))?((, | or | and )E[A-Z0-9]+( \([^)]*\))?)*/)) {
        reference = substr(rest, RSTART + 6, RLENGTH - 6)
        rest = substr(rest, RSTART + RLENGTH)
        gsub(/\([^)]*\)/, "", reference)
        add_list(name, reference)
    }
    text = flat(described_by[name])
    if (text ~ /(as|those of) every wait/)
        add_list(name, "ECANCELED ETIMEDOUT")
    while (match(text, /those of cede_[a-z_0-9]+\(\)/)) {
        reference = substr(text, RSTART + 9, RLENGTH - 11)
        text = substr(text, RSTART + RLENGTH)
        if (reference in described_by) {
            understand(reference)
            add_list(name, errno_list[reference])
        } else {
            wrong(name, "refers to " reference "(), which is not known")
        }
    }
}

# Adds the errnos that occur in a text of nothing else.
function add_list(name, text,    words, i, n) {
    gsub(/[^A-Z0-9]+/, " ", text)
    n = split(text, words, " ")
    for (i = 1; i <= n; i++)
        if (words[i] ~ /^E/ && !((name, words[i]) in errnos)) {
            errnos[name, words[i]] = 1
            errno_list[name] = errno_list[name] " " words[i]
        }
}

function wrong(name, text) {
    if (want == "wrong")
        print where[name] ": " name ": " text
}

# ---- printing ----

# C's expression for the errno that a call has failed with: 0 if it succeeded, negative if it failed without one.
function outcome(name) {
    if (type[name] == "size_t")
        return "0"
    if (name ~ /_r$/) # an error number; no answer is no success
        return "cover_result ? cover_result : *result ? 0 : -1"
    if (name == "cede_clock_nanosleep")
        return "cover_result"
    if (name ~ /^cede_get(addr|name)info$/)
        return "cover_result == EAI_SYSTEM ? errno : cover_result == EAI_MEMORY ? ENOMEM : cover_result ? -1 : 0"
    if (name ~ /^cede_gethostby/)
        return "cover_result ? 0 : h_errno == NETDB_INTERNAL ? errno : -1"
    if (name ~ /^cede_res_/)
        return "cover_result >= 0 ? 0 : h_errno == NETDB_INTERNAL ? errno : -1"
    return type[name] ~ /\*$/ ? "cover_result ? 0 : errno" : "cover_result < 0 ? errno : 0"
}

function print_calls(    i, n, k, parts, name, args, error, space, keeps) {
    print "/* Made by covered.awk from the public headers. */"
    print "#include <netdb.h>\n#include <cede.h>\n#include <cede/posix.h>\n#include \"cover.h\"\n"
    print "#define COVER_FUNCTIONS " count "\n"
    for (i = 1; i <= count; i++) {
        name = functions[i]
        if (type[name] == "void" || parameters[name] ~ /\.\.\.$/)
            continue
        n = split_parameters(parameters[name], parts)
        args = ""
        for (k = 1; k <= n; k++)
            if (parts[k] != "void")
                args = args (k > 1 ? ", " : "") parameter_name(parts[k])
        error = outcome(name)
        space = type[name] ~ /\*$/ ? "" : " "
        print "static inline " type[name] space "cover_" name "(" parameters[name] ")\n{"
        # What fails with errno as it was must not be taken to fail with what an earlier call has left there.
        keeps = flat(described_by[name]) ~ /errno as it was/
        print "    struct cover_call cover_call = cover_begin(" i - 1 ");"
        if (keeps)
            print "    int cover_errno = errno;\n\n    errno = 0;"
        print "    " type[name] space "cover_result = " name "(" args ");\n"
        print "    cover_end(&cover_call, " error ");"
        if (keeps)
            print "    errno = errno ? errno : cover_errno;"
        print "    return cover_result;\n}\n"
    }
    for (i = 1; i <= count; i++) {
        name = functions[i]
        if (type[name] == "void") # some do not return
            print "#define " name "(...) (cover_called(" i - 1 "), " name "(__VA_ARGS__))"
        else if (parameters[name] ~ /\.\.\.$/)
            print "#define " name "(...) __extension__({ struct cover_call cover_call = cover_begin(" i - 1 "); \\\n" \
                "    " type[name] " cover_result = " name "(__VA_ARGS__); \\\n" \
                "    cover_end(&cover_call, cover_result < 0 ? errno : 0); cover_result; })"
        else
            print "#define " name "(...) cover_" name "(__VA_ARGS__)"
    }
}

# What must have been seen of `recorded`, which the documentation calls `name`.
function require(name, recorded,    words, i, n) {
    if (flat(described_by[name]) !~ /returns -1, always|Returns only when it fails/)
        print recorded, "ok"
    n = split(errno_list[name], words, " ")
    for (i = 1; i <= n; i++) {
        print recorded, words[i]
        if (words[i] ~ /^(ECANCELED|ETIMEDOUT)$/ && parks(name))
            print recorded, words[i], "waiting"
    }
}

END {
    if (failed)
        exit 1
    if (want == "names")
        for (i = 1; i <= count; i++)
            print functions[i]
    if (want == "calls")
        print_calls()
    if (want !~ /^(required|wrong)$/)
        exit
    for (i = 1; i <= public_count; i++) {
        name = public[i]
        if (described_by[name] == "")
            wrong(name, "is not documented")
        understand(name)
        if (type[name] != "void" && parks(name) &&
            !(((name, "ECANCELED") in errnos) && ((name, "ETIMEDOUT") in errnos)) &&
            flat(described_by[name]) !~ /[Pp]arks? (only )?(if|as)/)
            wrong(name, "says neither that it does not park, nor ECANCELED and ETIMEDOUT")
        if (want == "required")
            require(name, name)
    }
    for (i = 1; i <= macro_count; i++) {
        name = macros[i]
        if (described_by[name] == "")
            continue
        recorded = ""
        body = body_of[name]
        while (recorded == "" && match(body, /cede__[a-z_0-9]+\(/)) {
            recorded = substr(body, RSTART, RLENGTH - 1)
            body = substr(body, RSTART + RLENGTH)
            if (!(recorded in type))
                recorded = ""
        }
        understand(name)
        if (want != "required")
            continue
        if (recorded != "")
            require(name, recorded)
        else
            print name, "use"
    }
}
