# Lists the ways to break one line of a C file:
#   awk -f mutate.awk ACTIVE FILE       ACTIVE: the numbers of FILE's lines that the compiler sees, one in a line
# Each is a line of fields, parted by tabs: first and last line, operator, function, what changes, the new text.
# 'What changes' has no line number: it stays the same while the rest of the file changes
BEGIN { letter = "[A-Za-z_]"; word = "[A-Za-z_0-9]*" }
FNR == NR { active[$1] = 1; next }
{ line[FNR] = uncommented($0); lines = FNR }

function uncommented(s,    out, c, i, quote) {      # comments become spaces: columns stay
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        if (inside) {
            if (substr(s, i, 2) == "*/") { inside = 0; out = out " "; i++ }
            out = out " "
        } else if (quote == "" && substr(s, i, 2) == "/*") { inside = 1; out = out "  "; i++ }
        else {
            if (c == "\\" && quote != "") { out = out c; c = substr(s, ++i, 1) }
            else if (quote != "") { if (c == quote) quote = "" }
            else if (c == "\"" || c == "'") quote = c
            out = out c
        }
    }
    return out
}
function trimmed(s) { gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }
function say(first, last, operator, change, text) {
    change = trimmed(change)
    again = ++said[where FS change]
    printf "%d\t%d\t%s\t%s\t%s\t%s\n", first, last, operator, where, change (again > 1 ? " (" again ")" : ""), text
}
# token NR, its column, what stands for it
function swap(n, at, old, operator, new) {
    say(n, n, operator, substr(line[n], 1, at - 1) "[" old " -> " new "]" substr(line[n], at + length(old)),
        substr(line[n], 1, at - 1) new substr(line[n], at + length(old)))
}
function spaced(s, at, token) { return substr(s, at - 1, 1) == " " && substr(s, at + length(token), 1) ~ /^ ?$/ }

function tokens(n,    s, at, t, c) {
    s = line[n]
    for (at = 1; at <= length(s); at += length(t)) {
        c = substr(s, at, 1)
        if (c == "\"" || c == "'") t = match(substr(s, at), c == "'" ? "^'(\\\\.|[^'\\\\])*'" : "^\"(\\\\.|[^\"\\\\])*\"") ? substr(s, at, RLENGTH) : c
        else if (match(substr(s, at), "^" letter word)) t = substr(s, at, RLENGTH)
        else if (match(substr(s, at), /^[0-9][0-9A-Za-z]*/)) t = substr(s, at, RLENGTH)
        else if (match(substr(s, at), /^(->|<<|>>|[-+|&<>=!]=|\|\||&&|\+\+|--)/)) t = substr(s, at, RLENGTH)
        else t = c
        token(n, at, t, s)
    }
}
function token(n, at, t, s) {
    if (t in relation) swap(n, at, t, "relation", relation[t])
    else if ((t == "<" || t == ">") && spaced(s, at, t)) swap(n, at, t, "relation", t "=")
    else if (t in logic) swap(n, at, t, "logic", logic[t])
    else if (t in assign) swap(n, at, t, "arithmetic", assign[t])
    else if (t in binary && spaced(s, at, t)) swap(n, at, t, "arithmetic", binary[t])
    else if (t in bits && spaced(s, at, t)) swap(n, at, t, "bits", bits[t])
    else if (t == "|=" || t == "&=") swap(n, at, t, "bits", t == "|=" ? "&=" : "|=")
    else if (t == "~") swap(n, at, t, "bits", "")
    else if (t == "!") swap(n, at, t, "negation", "")
    else if (t in truth) swap(n, at, t, "value", truth[t])
    else if (t in way) swap(n, at, t, "value", way[t])
    else if (t ~ /^[0-9]/) {
        if (substr(s, at - 1, 1) == "[" && substr(s, 1, at - 1) ~ /^ +(const |static )*[a-z_0-9]+ +[a-z]+\[$/) return    # a size
        swap(n, at, t, "constant", "(" t " + 1)")
        if (t !~ /^0[uUL]*$/) swap(n, at, t, "constant", "(" t " - 1)")
    } else if (t == "?" && spaced(s, at, t)) {
        swap(n, at, t, "arm", "&& 0 ?")
        swap(n, at, t, "arm", "|| 1 ?")
    }
}

function indent(n) { match(line[n], /^ */); return substr(line[n], 1, RLENGTH) }
function name_of(s) {
    if (match(s, letter word "\\(")) return substr(s, RSTART, RLENGTH - 1)
    if (match(s, letter word "(\\[[^]]*\\])* =")) { s = substr(s, RSTART, RLENGTH - 2); sub(/\[.*/, "", s); return s }
    return "enum"
}
# What is in the parentheses that begin at `at`; "" if they do not end
function within(s, at,    depth, i, c) {
    for (i = at; i <= length(s); i++) {
        c = substr(s, i, 1)
        if (c == "(") depth++
        else if (c == ")" && --depth == 0) return substr(s, at + 1, i - at - 1)
    }
    return ""
}
# A statement, or the head of one: from the first to the last line
function statement(first, last, s,    label, condition, head) {
    s = trimmed(s)
    label = match(s, /^((case [A-Za-z_0-9]+|default): ?)+/) ? substr(s, 1, RLENGTH) : ""
    s = substr(s, length(label) + 1)
    if (match(s, /^(\} )?(else )?(if|while) \(/)) {
        head = substr(s, 1, RLENGTH - 1)
        condition = within(s, RLENGTH)
        if (condition != "")
            say(first, last, "negation", "[not] " label s,
                label head "(!(" condition "))" substr(s, length(head) + length(condition) + 3))
        return
    }
    if (s ~ /;$/ && s !~ /^[{}]/ && s !~ /^(for|do|else|static|struct|enum|typedef|_Static_assert)/ &&
            (s ~ /^(return|break|continue)/ || s !~ "^(const )?" letter word " +\\**" letter))
        say(first, last, "deletion", "[delete] " label s, indent(first) label ";")
}

END {
    relation["<="] = "<"; relation[">="] = ">"; relation["=="] = "!="; relation["!="] = "=="
    logic["&&"] = "||"; logic["||"] = "&&"
    assign["+="] = "-="; assign["-="] = "+="; assign["++"] = "--"; assign["--"] = "++"
    binary["+"] = "-"; binary["-"] = "+"; binary["*"] = "/"; binary["/"] = "*"; binary["%"] = "*"
    bits["&"] = "|"; bits["|"] = "&"
    truth["true"] = "false"; truth["false"] = "true"
    way["READING"] = "WRITING"; way["WRITING"] = "READING"
    for (n = 1; n <= lines; n++) {
        s = line[n]
        if (s ~ /^[ \t]*$/ || s ~ /^[ \t]*#/) continue
        if (s ~ /^[A-Za-z_]/) { where = name_of(s); body = 0; outer = s ~ /^(static )?(const )?(struct|union) .*\{$/ && s !~ /=/ || s ~ /^_Static_assert|^typedef|^extern/ }
        if (s ~ /^\{/) { body = 1; start = 0; outer = 0; continue }
        if (s ~ /^\}/) { body = 0; outer = 0; continue }
        if (active[n] && !outer && (body || s ~ /=|^    / || where == "enum")) tokens(n)
        if (!body && match(s, /\) *\{ .*; \}$/)) {
            if (active[n]) say(n, n, "deletion", "[delete] " substr(s, RSTART + 1), substr(s, 1, RSTART) " { ; }")
            continue
        }
        if (!body) continue
        if (!start) { start = n; joined = ""; depth = 0 }
        joined = joined " " s
        depth += gsub(/\(/, "(", s) - gsub(/\)/, ")", s)
        if (depth > 0) continue
        t = trimmed(joined)
        if (t ~ /[;{}:]$/ || t ~ /^(\} )?(else )?(if|while|for|switch) \(.*\)$/ || t ~ /(^|\} )(else|do)$/) {
            if (active[start]) statement(start, n, joined)
            start = 0
        }
    }
}
