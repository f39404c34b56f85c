# summary.awk RESULTS: for each benchmark and contender a line BENCHMARK NAME MEDIAN and the quartiles and the
# median of the ratios to minimio, each of two numbers of one round: LOWER RATIO UPPER. A timers line has four.
# For memory the measure is minimio that waits with ready: like the others' its connections share a buffer.

{
    if ($1 == "timers") {
        put("insert", $4)
        put("reset", $5)
        put("cancel", $6)
        put("expire", $7)
    } else {
        put($1, $4)
    }
}

function put(benchmark, value,    key) {
    key = benchmark " " $2
    if (!(key in count)) order[++keys] = key
    count[key]++
    value_of[key, count[key]] = value
    at[benchmark, $2, $3] = value
    round_of[key, count[key]] = $3
}

# The q-th quartile of sorted[1..n], between two of them by their distance
function quartile(n, q,    place, below) {
    place = 1 + (n - 1) * q / 4
    below = int(place)
    return below == n ? sorted[n] : sorted[below] + (place - below) * (sorted[below + 1] - sorted[below])
}

function sort(n,    i, j, x) {
    for (i = 2; i <= n; i++) {
        x = sorted[i]
        for (j = i - 1; j >= 1 && sorted[j] > x; j--) sorted[j + 1] = sorted[j]
        sorted[j + 1] = x
    }
}

END {
    for (k = 1; k <= keys; k++) {
        key = order[k]
        split(key, part, " ")
        n = count[key]
        for (i = 1; i <= n; i++) sorted[i] = value_of[key, i]
        sort(n)
        middle = quartile(n, 2)
        for (i = 1; i <= n; i++) {
            base = at[part[1], part[1] == "memory" ? "ready" : "minimio", round_of[key, i]]
            sorted[i] = base > 0 ? value_of[key, i] / base : 0
        }
        sort(n)
        printf "%s %.1f %.4f %.4f %.4f\n", key, middle, quartile(n, 1), quartile(n, 2), quartile(n, 3)
    }
}
