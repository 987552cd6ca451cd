// Line charts as SVG. They bring their own background, in a light and a dark form, so that they can be read on any page.

import { scaleOf, ticksOf } from './chart-scale.mjs';

const MARGIN = { top: 34, right: 16, bottom: 46, left: 76 };
const LEGEND_WIDTH = 165;
const LEGEND_STEP = 20;
const FONT = '12px system-ui, sans-serif';
/** Told apart by lightness and hue, in this order; the first is drawn thicker. */
const COLOURS = {
  light: ['#0057d9', '#c2410c', '#e08a00', '#00795c', '#9b2fae', '#c04a86', '#4d7c0f', '#666666'],
  dark: ['#6cb0ff', '#ff8a5c', '#ffc145', '#3ddbb0', '#d79bff', '#ff9ccb', '#b5e05a', '#a8a8a8'],
};
const MARKERS = ['circle', 'square', 'triangle', 'diamond'];

/**
 * One chart beside or below the other.
 *
 * @param {{ title: string, x: Axis, y: Axis, series: { label: string, points: [number, number][] }[] }[]} charts - An axis
 * has a `label`, `isLog`, `text`, which writes a value, and, where they are not to be found from the data, `range` and
 * `ticks`. Points outside of a range are left out.
 * @param {{ columns: number, width: number, height: number }} layout - Pixels of one chart.
 */
export function chartSvg(charts, { columns, width, height }) {
  const rows = Math.ceil(charts.length / columns);
  const [allWidth, allHeight] = [width * Math.min(columns, charts.length), height * rows];
  const placed = charts.map((chart, index) => {
    const [left, top] = [(index % columns) * width, Math.floor(index / columns) * height];
    return `<g transform="translate(${left} ${top})">\n${drawChart(chart, width, height)}\n</g>`;
  });
  const titles = charts.map(({ title }) => title).join('; ');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${allWidth}" height="${allHeight}" viewBox="0 0 ${allWidth} ${allHeight}" role="img">`,
    `<title>${escapeXml(titles)}</title>`,
    `<style>${style()}</style>`,
    `<rect class="page" width="${allWidth}" height="${allHeight}"/>`,
    ...placed,
    '</svg>',
  ].join('\n')}\n`;
}

function style() {
  const theme = (page, ink, faint, colours) =>
    `.page{fill:${page}}text{fill:${ink};font:${FONT}}.grid{stroke:${faint};stroke-width:1}` +
    colours.map((colour, index) => `.s${index}{stroke:${colour};fill:${colour}}`).join('');
  return [
    theme('#ffffff', '#222222', '#dddddd', COLOURS.light),
    '.line{fill:none;stroke-width:1.6}.line.s0{stroke-width:3}.title{font-weight:600}',
    `@media (prefers-color-scheme:dark){${theme('#14171c', '#e6e6e6', '#3a3f47', COLOURS.dark)}.line{fill:none}}`,
  ].join('');
}

function drawChart({ title, x, y, series }, width, height) {
  const legendWidth = series.length > 1 ? LEGEND_WIDTH : 0;
  const [right, bottom] = [width - MARGIN.right - legendWidth, height - MARGIN.bottom];
  const shown = series.map(({ label, points }) => ({ label, points: points.filter(isWithin(x, y)) }));
  const all = shown.flatMap(({ points }) => points);
  const across = scaleOf(
    x,
    all.map(([value]) => value),
    [MARGIN.left, right],
  );
  const up = scaleOf(
    y,
    all.map(([, value]) => value),
    [bottom, MARGIN.top],
  );
  return [
    label(title, (MARGIN.left + right) / 2, 20, 'middle', 'title'),
    ...ticksOf(x, across).flatMap((tick) => [
      line(across.place(tick), MARGIN.top, across.place(tick), bottom),
      label(x.text(tick), across.place(tick), bottom + 17, 'middle'),
    ]),
    ...ticksOf(y, up).flatMap((tick) => [
      line(MARGIN.left, up.place(tick), right, up.place(tick)),
      label(y.text(tick), MARGIN.left - 7, up.place(tick) + 4, 'end'),
    ]),
    label(x.label, (MARGIN.left + right) / 2, height - 10, 'middle'),
    `<g transform="translate(15 ${(MARGIN.top + bottom) / 2}) rotate(-90)">${label(y.label, 0, 0, 'middle')}</g>`,
    ...shown.map(({ points }, index) =>
      drawSeries(
        points.map(([left, top]) => [across.place(left), up.place(top)]),
        index,
      ),
    ),
    ...(legendWidth > 0 ? drawLegend(shown, right + 18) : []),
  ].join('\n');
}

function isWithin(x, y) {
  const within = ({ range: [least, most] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] }, value) =>
    value >= least && value <= most;
  return ([left, top]) => within(x, left) && within(y, top);
}

function drawSeries(places, index) {
  const path = places.map(([left, top]) => `${round(left)},${round(top)}`).join(' ');
  const marks = places.map(([left, top]) => marker(left, top, index));
  return [`<polyline class="line s${index}" points="${path}"/>`, ...marks].join('');
}

function drawLegend(series, left) {
  return series.flatMap(({ label: text }, index) => {
    const top = MARGIN.top + 8 + index * LEGEND_STEP;
    const stroke = `<polyline class="line s${index}" points="${left},${top} ${left + 22},${top}"/>`;
    return [stroke, marker(left + 11, top, index), label(text, left + 29, top + 4, 'start')];
  });
}

function marker(left, top, index) {
  const [x, y] = [round(left), round(top)];
  const shape = MARKERS[index % MARKERS.length];
  const own = `class="s${index}"`;
  if (shape === 'circle') return `<circle ${own} cx="${x}" cy="${y}" r="3.5"/>`;
  if (shape === 'square')
    return `<rect ${own} x="${round(left - 3)}" y="${round(top - 3)}" width="6" height="6"/>`;
  const corners = shape === 'triangle' ? '0,-4 4,3 -4,3' : '0,-4.5 4.5,0 0,4.5 -4.5,0';
  return `<polygon ${own} transform="translate(${x} ${y})" points="${corners}"/>`;
}

function line(fromLeft, fromTop, toLeft, toTop) {
  return `<line class="grid" x1="${round(fromLeft)}" y1="${round(fromTop)}" x2="${round(toLeft)}" y2="${round(toTop)}"/>`;
}

function label(text, left, top, anchor, name) {
  const own = name === undefined ? '' : ` class="${name}"`;
  return `<text${own} x="${round(left)}" y="${round(top)}" text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

function round(value) {
  return Number(value.toFixed(1));
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
