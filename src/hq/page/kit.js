/* Draws the plots of a page with Apache ECharts, from the data blocks beside them. Colours follow the reader's setting
 * (light, dark, print); they are Okabe and Ito's, which colour-blind readers tell apart, darkened or lightened for
 * contrast with the paper. */
(function () {
  "use strict";

  var LIGHT = {
    ink: "#1b2230", soft: "#5a6475", line: "#d9dee7", grid: "#e8ecf2", paper: "#ffffff",
    series: ["#0b5fa5", "#c2500a", "#00795a", "#8a4a80", "#8a6a00", "#2b7fb8", "#a33a2c", "#4d5566"]
  };
  var DARK = {
    ink: "#e4e8ef", soft: "#9ba6b8", line: "#2c3442", grid: "#232a36", paper: "#12161d",
    series: ["#6db3f2", "#f2a35e", "#3fc79a", "#d597c8", "#e0c050", "#9fd0f5", "#f08a7a", "#b4bdcc"]
  };
  var NAMES_WIDTH = 150;

  function number(v, percent) {
    if (v === null || v === undefined || !isFinite(v)) return "–";
    if (percent) return (100 * v).toFixed(Math.abs(v) < 0.1 && v !== 0 ? 2 : 1) + " %";
    return Math.abs(v) >= 1e6 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(2) : String(+v.toPrecision(5));
  }

  function tick(v, percent) {
    return percent ? +(100 * v).toFixed(2) + " %" : Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3)
      ? v.toExponential(0) : String(+v.toPrecision(6));
  }

  /* A round step that divides the whole range into 4 to 7 parts, if there is one: no odd last tick then. */
  function step(range, narrow) {
    var parts = narrow ? [4, 5, 3, 6] : [5, 4, 6, 7, 8];
    for (var i = 0; i < parts.length; i++) {
      var s = range / parts[i], lead = s / Math.pow(10, Math.floor(Math.log10(s) + 1e-9));
      if ([1, 2, 2.5, 4, 5].some(function (round) { return Math.abs(lead - round) < 1e-6; })) return s;
    }
    return undefined;
  }

  function valueAxis(axis, theme, vertical, narrow) {
    var out = {
      type: axis.log ? "log" : "value", name: vertical ? "" : axis.name, nameLocation: "middle", nameGap: 30,
      nameTextStyle: { color: theme.soft },
      axisLabel: { color: theme.soft, hideOverlap: true, formatter: function (v) { return tick(v, axis.percent); } },
      axisLine: { show: !vertical, lineStyle: { color: theme.line } },
      axisTick: { show: false }, splitLine: { lineStyle: { color: theme.grid } },
      splitNumber: narrow ? 4 : 5
    };
    if (axis.range) {
      out.min = axis.range[0];
      out.max = axis.range[1];
      out.interval = step(axis.range[1] - axis.range[0], narrow);
    }
    else if (!axis.log) out.scale = false;
    return out;
  }

  function categoryAxis(plot, axis, theme, sideways, narrow, width) {
    var slant = slanted(plot, width);
    return {
      type: "category", data: plot.categories, name: sideways ? "" : axis.name, nameLocation: "middle", nameGap: 30,
      inverse: sideways, nameTextStyle: { color: theme.soft }, axisTick: { show: false },
      axisLine: { lineStyle: { color: theme.line } },
      axisLabel: {
        color: theme.ink, overflow: "truncate", interval: 0, rotate: slant ? 35 : 0,
        width: sideways ? (narrow ? 110 : NAMES_WIDTH) : slant ? 130 : undefined
      }
    };
  }

  /* A vertical (or lying) bar with ends: the interval of a value. */
  function interval(series, colour, sideways) {
    return {
      type: "custom", name: series.name, silent: true, z: 5, itemStyle: { color: colour }, encode: sideways ? { x: [1, 2, 3], y: 0 } : { x: 0, y: [1, 2, 3] },
      tooltip: { show: false },
      data: series.data.filter(function (d) { return d[2] !== null && d[3] !== null && d[2] !== undefined; }),
      renderItem: function (params, api) {
        var a = sideways ? api.coord([api.value(2), api.value(0)]) : api.coord([api.value(0), api.value(2)]);
        var b = sideways ? api.coord([api.value(3), api.value(0)]) : api.coord([api.value(0), api.value(3)]);
        var style = { stroke: colour, lineWidth: 1.5, opacity: 0.85 }, end = 4;
        function piece(x1, y1, x2, y2) { return { type: "line", shape: { x1: x1, y1: y1, x2: x2, y2: y2 }, style: style }; }
        return {
          type: "group", children: [
            piece(a[0], a[1], b[0], b[1]),
            sideways ? piece(a[0], a[1] - end, a[0], a[1] + end) : piece(a[0] - end, a[1], a[0] + end, a[1]),
            sideways ? piece(b[0], b[1] - end, b[0], b[1] + end) : piece(b[0] - end, b[1], b[0] + end, b[1])
          ]
        };
      }
    };
  }

  function oneSeries(series, colour, plot, theme, bars) {
    var data = series.data.map(function (d) {
      return plot.sideways ? { value: [d[1], d[0]], raw: d } : { value: [d[0], d[1]], raw: d };
    });
    if (series.shape === "bars") {
      return { type: "bar", name: series.name, data: data, barMaxWidth: 26, barGap: "10%", barCategoryGap: bars > 1 ? "30%" : "25%",
        itemStyle: { color: colour, borderRadius: plot.sideways ? [0, 2, 2, 0] : [2, 2, 0, 0] } };
    }
    if (series.shape === "dots" || series.shape === "track") {
      return { type: "line", name: series.name, data: data, symbol: "circle", symbolSize: 8, itemStyle: { color: colour },
        lineStyle: { width: series.shape === "dots" ? 0 : 1.5, color: colour } };
    }
    return {
      type: "line", name: series.name, data: data, symbol: "none",
      lineStyle: { width: series.shape === "dashed" ? 1.5 : 2.25, type: series.shape === "dashed" ? [5, 5] : "solid",
        color: series.shape === "dashed" ? theme.soft : colour },
      itemStyle: { color: series.shape === "dashed" ? theme.soft : colour }
    };
  }

  /* A line is a line in the legend too, a dot a dot. */
  function legendEntry(s) {
    var icons = { line: "path://M0,0h20v2.4h-20z", dashed: "path://M0,0h7v2h-7zM13,0h7v2h-7z", bars: "roundRect" };
    return { name: s.name, icon: icons[s.shape] || "circle" };
  }

  function saying(plot) {
    return function (items) {
      var list = Array.isArray(items) ? items : [items], lines = [], first = list[0];
      if (!first) return "";
      var x = first.data.raw ? first.data.raw[0] : 0;
      lines.push(plot.categories ? plot.categories[x] : (plot.x.name ? plot.x.name + ": " : "") + number(x, plot.x.percent));
      list.forEach(function (item) {
        var d = item.data && item.data.raw;
        if (!d) return;
        var axis = plot.y, text = item.seriesName + ": " + number(d[1], axis.percent);
        if (d.length > 3 && d[2] !== null) text += "  [" + number(d[2], axis.percent) + ", " + number(d[3], axis.percent) + "]";
        lines.push(text);
      });
      return lines.join("\n");
    };
  }

  function slanted(plot, width) {
    if (!plot.categories || plot.sideways) return false;
    return plot.categories.reduce(function (sum, name) { return sum + name.length + 2; }, 0) * 6.5 > width - 60;
  }

  function options(plot, theme, width) {
    var narrow = width < 480, shown = plot.series.length > 1, next = 0, series = [];
    var bars = plot.series.filter(function (s) { return s.shape === "bars"; }).length;
    var numeric = plot.series.every(function (s) { return s.shape !== "bars"; });
    plot.series.forEach(function (s) {
      var colour = s.shape === "dashed" ? theme.soft : theme.series[next++ % theme.series.length];
      series.push(oneSeries(s, colour, plot, theme, bars));
      if (s.data.length > 0 && s.data[0].length > 3 && (s.shape !== "bars" || bars === 1))
        series.push(interval(s, s.shape === "bars" ? theme.ink : colour, plot.sideways));
    });
    var values = valueAxis(plot.y, theme, !plot.sideways, narrow);
    var other = plot.categories ? categoryAxis(plot, plot.x, theme, plot.sideways, narrow, width) : valueAxis(plot.x, theme, false, narrow);
    if (!plot.categories) other.splitLine = { show: plot.square, lineStyle: { color: theme.grid } };
    return {
      animation: false, backgroundColor: "transparent", textStyle: { fontFamily: "system-ui, sans-serif", color: theme.ink },
      grid: { left: slanted(plot, width) ? 40 : 8, right: plot.sideways ? 28 : 20, top: (shown ? 30 : 6) + (plot.sideways ? 0 : 26), bottom: 26, containLabel: true },
      /* The name of the upright axis stands above it, where it is read without turning the head and is never cut. */
      title: plot.sideways ? undefined : { text: plot.y.name, left: 0, top: shown ? 29 : 3, padding: 0,
        textStyle: { color: theme.soft, fontSize: 12, fontWeight: "normal", overflow: "truncate", width: width - 20 } },
      legend: shown ? { top: 0, left: 0, itemWidth: 18, itemHeight: 9, itemGap: 16, type: "scroll", textStyle: { color: theme.ink },
        data: plot.series.map(legendEntry), pageTextStyle: { color: theme.soft }, pageIconColor: theme.soft } : undefined,
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, formatter: saying(plot), backgroundColor: theme.paper,
        borderColor: theme.line, borderWidth: 1, textStyle: { color: theme.ink, fontSize: 12 },
        axisPointer: { type: numeric ? "line" : "shadow", lineStyle: { color: theme.soft, type: "dotted" } }
      },
      xAxis: plot.sideways ? values : other, yAxis: plot.sideways ? other : values, series: series
    };
  }

  function height(box, plot) {
    if (plot.sideways) {
      box.style.height = 60 + (plot.series.length > 1 ? 34 : 0) + plot.categories.length * (plot.series.length > 1 ? 34 : 26) + "px";
    } else if (plot.square) {
      box.style.height = Math.min(Math.max(box.clientWidth * 0.85, 260), 420) + "px";
    }
  }

  var drawn = [];

  function draw(box) {
    var plot = JSON.parse(document.getElementById(box.dataset.plot).textContent);
    height(box, plot);
    var chart = window.echarts.init(box, null, { renderer: "svg" });
    drawn.push({ box: box, plot: plot, chart: chart });
  }

  function paint(print) {
    var dark = !print && window.matchMedia("(prefers-color-scheme: dark)").matches, theme = dark ? DARK : LIGHT;
    drawn.forEach(function (d) { d.chart.setOption(options(d.plot, theme, d.box.clientWidth), true); });
  }

  function fit() {
    drawn.forEach(function (d) { height(d.box, d.plot); d.chart.resize(); });
  }

  Array.prototype.forEach.call(document.querySelectorAll("[data-plot]"), draw);
  paint(false);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { paint(false); });
  window.addEventListener("resize", function () { fit(); paint(false); });
  window.addEventListener("beforeprint", function () { paint(true); fit(); });
  window.addEventListener("afterprint", function () { fit(); paint(false); });
  document.documentElement.setAttribute("data-plots", String(drawn.length));
}());
