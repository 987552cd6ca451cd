// The charts of the search report, from the samples of its sections.

import { chartSvg } from './chart.mjs';
import { frontier } from './curve.mjs';
import { bytes, count, duration, number } from './format.mjs';

/** Below this recall a search is of little use, and above it the engines differ. */
const RECALL_LEAST = 0.8;
const RECALL_AXIS = {
  label: 'recall@10',
  range: [RECALL_LEAST, 1.002],
  ticks: [0.8, 0.85, 0.9, 0.95, 0.99],
  text: (value) => value.toFixed(2),
};

/** Charts by file name; only those that there are samples for. */
export function searchCharts(sections) {
  const samplesOf = (name) => sections.find((section) => section.name === name && !section.failure)?.samples;
  const [found, grown] = [samplesOf('recall'), samplesOf('scale')];
  return {
    ...(found && { 'recall.svg': recallChart(found) }),
    ...(grown && { 'scale.svg': scaleChart(grown) }),
  };
}

function recallChart({ engines }) {
  const chart = {
    title: 'Recall and queries per second',
    x: RECALL_AXIS,
    y: { label: 'queries/s, one after another', isLog: true, text: count },
    series: engines.map(({ label, points }) => ({
      label,
      points: frontier(points).map(({ recall, rate }) => [recall, rate]),
    })),
  };
  return chartSvg([chart], { columns: 1, width: 860, height: 480 });
}

/** A chart for each kind of cost; both axes are logarithmic, so that what grows with the rows is a straight line. */
function scaleChart({ figures }) {
  const over = (title, y, value) => ({
    title,
    x: {
      label: 'rows',
      isLog: true,
      range: [figures[0].rows / 1.5, figures.at(-1).rows * 1.5],
      ticks: figures.map(({ rows }) => rows),
      text: shortCount,
    },
    y,
    series: [{ label: title, points: figures.map((figure) => [figure.rows, value(figure)]) }],
  });
  const cost = (title, label, text, value) => over(title, { label, isLog: true, text }, value);
  const charts = [
    cost('Building: ingest and graph', 'time', duration, ({ ingestMs, indexMs }) => ingestMs + indexMs),
    cost('Open', 'time', duration, ({ openMs }) => openMs),
    cost('First query of a process', 'time', duration, ({ firstQueryMs }) => firstQueryMs),
    cost('Query, default quality', 'time', duration, ({ rate }) => 1000 / rate),
    over('Recall, default quality', RECALL_AXIS, ({ recall }) => recall),
    cost('Insert of one entry', 'time', duration, ({ insertMs }) => insertMs),
    cost('File', 'bytes', bytes, (figure) => figure.bytes),
  ];
  if (figures.every(({ privateBytes }) => privateBytes > 0)) {
    charts.push(cost('Private memory', 'bytes', bytes, ({ privateBytes }) => privateBytes));
  }
  return chartSvg(charts, { columns: 2, width: 430, height: 270 });
}

/** 63,666 as 64k, since axes are short. */
function shortCount(value) {
  if (value >= 1e6) return `${number(value / 1e6)}M`;
  return value >= 1e3 ? `${Math.round(value / 1e3)}k` : String(value);
}
