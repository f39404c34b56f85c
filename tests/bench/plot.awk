# plot.awk -v panels='BENCHMARK...' -v name=TITLE -v low=R -v high=R -v step=R SUMMARY: a drawing of the ratios to
# minimio, on a logarithmic axis from low to high with a line at each step: a dot for the median, a bar from
# quartile to quartile, an arrow for what is beyond. The classes are those of the book's figures.

BEGIN {
    WIDTH = 460; LEFT = 140; RIGHT = 396; ROW = 19
    split("hand mio short ev event uv buffer minimio threads", order, " ")
    split("epoll by hand|mio|mio, short read|libev|libevent|libuv|bufferevent|a buffer for each|threads", words, "|")
    for (i = 1; i in order; i++) title[order[i]] = words[i]
    head["echo1"] = "Echo, 1 connection"
    head["echo50"] = "Echo, 50 connections"
    head["echo1000"] = "Echo, 1,000 connections"
    head["churn"] = "Connect, echo, close"
    head["idle"] = "10,000 idle, one active"
    head["pingpong"] = "A wake-up there and back"
    head["flood"] = "A flood of wake-ups"
    head["insert"] = "100,000 timers: insert"
    head["reset"] = "100,000 timers: reset"
    head["cancel"] = "100,000 timers: cancel"
    head["expire"] = "100,000 timers: expire"
    head["memory"] = "Memory of an idle connection"
}

{
    middle[$1, $2] = $3
    lower[$1, $2] = $4
    ratio[$1, $2] = $5
    upper[$1, $2] = $6
}

function x_of(r) {
    if (r < low) r = low
    if (r > high) r = high
    return LEFT + (RIGHT - LEFT) * log(r / low) / log(high / low)
}

function text(class, x, y, anchor, size, fill, what) {
    body = body sprintf("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" fill=\"%s\" text-anchor=\"%s\" font-size=\"%s\">%s</text>\n", \
        class, x, y, fill, anchor, size, what)
}

function own(panel,    v) {
    if (panel == "memory") return "minimio, ready: " sprintf("%.0f B", middle[panel, "ready"])
    v = middle[panel, "minimio"]
    return "minimio: " (v >= 1000 ? sprintf("%.1f µs", v / 1000) : sprintf("%.0f ns", v))
}

function number(r) { return r >= 100 ? sprintf("%.0f", r) : r >= 10 ? sprintf("%.1f", r) : sprintf("%.2f", r) }

function grid(top, bottom,    r) {
    for (r = low; r < high * 1.01; r *= step)
        if (r < 0.99 || r > 1.01) body = body sprintf("<path class=\"f-line\" d=\"M%.1f %.1fV%.1f\" fill=\"none\" stroke=\"#52606d\" stroke-width=\"0.5\" stroke-dasharray=\"1 4\"/>\n", \
            x_of(r), top, bottom)
    body = body sprintf("<path class=\"f-accent\" d=\"M%.1f %.1fV%.1f\" fill=\"none\" stroke=\"#b3401f\" stroke-width=\"1.5\"/>\n", \
        x_of(1), top, bottom)
}

function row(panel, name, y,    key, m) {
    key = panel SUBSEP name
    m = x_of(ratio[key])
    text("f-text", LEFT - 10, y + 5, "end", 15, "#1f2933", title[name])
    body = body sprintf("<path class=\"f-line\" d=\"M%.1f %.1fH%.1f\" fill=\"none\" stroke=\"#52606d\" stroke-width=\"2\"/>\n", \
        x_of(lower[key]), y, x_of(upper[key]))
    if (ratio[key] < low || ratio[key] > high)
        body = body sprintf("<path class=\"f-arrow\" d=\"M%.1f %.1fl%d -5v10z\" fill=\"#52606d\"/>\n", \
            m + (ratio[key] < low ? -5 : 5), y, ratio[key] < low ? 9 : -9)
    else
        body = body sprintf("<circle class=\"f-work\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" fill=\"#3a6b8c\"/>\n", m, y)
    text("f-text", WIDTH - 10, y + 5, "end", 15, "#1f2933", number(ratio[key]))
}

# minimio's own row would be the line at 1
function shown(panel, name) { return (panel, name) in ratio && (name != "minimio" || panel == "memory") }

function panel_of(panel,    i, top) {
    y += 16
    text("f-text\" font-weight=\"bold", 10, y, "start", 15.5, "#1f2933", head[panel])
    text("f-soft", WIDTH - 10, y, "end", 14.5, "#52606d", own(panel))
    top = y + 6
    y += 6
    for (i = 1; i in order; i++)
        if (shown(panel, order[i])) y += ROW
    grid(top, y + 3)
    y = top - 7
    for (i = 1; i in order; i++)
        if (shown(panel, order[i])) row(panel, order[i], y += ROW)
    y += 20
}

function axis(    r, words) {
    y += 8
    for (r = low; r < high * 1.01; r *= step) {
        words = r < 0.99 ? "1/" sprintf("%.0f", 1 / r) : sprintf("%.0f", r)
        text("f-soft", x_of(r), y, "middle", 14, "#52606d", words)
    }
    y += 18
    text("f-soft", x_of(1), y, "middle", 14, "#52606d", "← less than minimio, more →")
}

END {
    n = split(panels, list, " ")
    y = 8
    for (k = 1; k <= n; k++) panel_of(list[k])
    axis()
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"14\" class=\"f-fig f-plot\">\n", \
        WIDTH, y + 10
    printf "<title>%s</title>\n%s</svg>\n", name, body
}
