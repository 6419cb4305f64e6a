// What scripts add to pages that work without them: copying, files, charts, a place for the focus, and going on with what is long.
"use strict";
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // A button with data-copy="ID" copies the value of that field and says so.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 2000);
  });

  // <figure data-chart="ID"> is drawn from the table with that id: its rows are days, its columns lines.
  const charts = () => {
    if (typeof uPlot === "undefined") return;
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      const table = document.getElementById(figure.dataset.chart);
      if (!table) continue;
      figure.replaceChildren();
      const days = [...table.tBodies[0].rows];
      const x = days.map((row) => Date.parse(row.cells[0].textContent.trim() + "T00:00:00+08:00") / 1000);
      const heads = [...table.tHead.rows[0].cells].slice(1);
      const colours = [css("--chart-3"), css("--chart-2"), css("--chart-1"), css("--muted")];
      const data = [x];
      const series = [{ label: table.tHead.rows[0].cells[0].textContent.trim(), value: (_, at) => at == null ? "" : new Date(at * 1000 + 288e5).toISOString().slice(0, 10) }];
      heads.forEach((head, at) => {
        const money = head.dataset.line === "money";
        data.push(days.map((row) => Number(row.cells[at + 1].dataset.value) / (money ? 100 : 1)));
        series.push({
          label: head.textContent.trim(), stroke: colours[at % colours.length], width: 2, scale: money ? "yuan" : "count",
          value: (_, value) => value == null ? "" : money ? "¥" + value.toFixed(2) : String(value),
          points: { show: days.length < 3 },
        });
      });
      const axis = { stroke: css("--muted"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
      new uPlot({
        width: figure.clientWidth, height: 260, series,
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Asia/Shanghai"),
        scales: { count: { range: (_, low, high) => [0, Math.max(high, 4)] }, yuan: { range: (_, low, high) => [Math.min(low, 0), Math.max(high, 1)] } },
        axes: [
          { ...axis, values: (_, at) => at.map((s) => new Date(s * 1000 + 288e5).toISOString().slice(5, 10)) },
          { ...axis, scale: "count", size: 46, values: (_, all) => all.map((v) => Number.isInteger(v) ? String(v) : "") },
          { ...axis, scale: "yuan", side: 1, size: 62, grid: { show: false }, values: (_, all) => all.map((v) => "¥" + v) },
        ],
      }, data, figure);
    }
  };

  let resized;
  addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(charts, 150); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", charts);
  // A field with data-file can be filled from a file.
  const files = () => {
    for (const area of document.querySelectorAll("textarea[data-file]")) {
      const input = Object.assign(document.createElement("input"), { type: "file", accept: area.dataset.file });
      input.setAttribute("aria-label", area.labels[0].textContent);
      input.addEventListener("change", async () => { if (input.files[0]) area.value = await input.files[0].text(); });
      area.before(input);
    }
  };

  // A poster becomes a picture that any app can share, with a picture from the phone where the product's is.
  const drawn = (address) => new Promise((done, failed) => {
    const image = Object.assign(new Image(), { onload: () => done(image), onerror: failed });
    image.src = address;
  });
  const poster = async (part) => {
    const svg = await drawn(part.dataset.poster);
    const sheet = Object.assign(document.createElement("canvas"), { width: svg.naturalWidth, height: svg.naturalHeight });
    const pen = sheet.getContext("2d");
    pen.drawImage(svg, 0, 0);
    const file = part.querySelector("input").files[0];
    if (file) {
      const picture = await createImageBitmap(file);
      const side = Math.min(picture.width, picture.height);
      const [x, y] = [(picture.width - side) / 2, (picture.height - side) / 2];
      pen.drawImage(picture, x, y, side, side, 0, 0, sheet.width, sheet.width);
    }
    const blob = await new Promise((done) => sheet.toBlob(done, "image/png"));
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: part.dataset.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const posters = () => {
    for (const part of document.querySelectorAll("[data-poster]")) {
      const wrong = part.querySelector(".error");
      part.hidden = false;
      part.querySelector("button").addEventListener("click", async () => {
        wrong.hidden = true;
        await poster(part).catch(() => { wrong.hidden = false; });
      });
    }
  };

  addEventListener("DOMContentLoaded", () => {
    charts();
    files();
    posters();
    document.querySelector(".note.bad[role=alert]")?.focus();
    // One step of many that a person has begun: the next one follows by itself.
    document.querySelector("form[data-goes-on]")?.requestSubmit();
  });
})();
