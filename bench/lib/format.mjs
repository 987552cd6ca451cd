// How figures are written.

const UNITS = ['B', 'kB', 'MB', 'GB'];

/** Three significant digits are all that a measurement on a shared machine can bear; whole numbers stay whole. */
export function number(value) {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  if (Number.isInteger(value)) return String(value);
  return value.toPrecision(3);
}

export function bytes(value) {
  const unit = Math.min(Math.floor(Math.log10(Math.max(Math.abs(value), 1)) / 3), UNITS.length - 1);
  return `${number(unit === 0 ? Math.round(value) : value / 1000 ** unit)} ${UNITS[unit]}`;
}

export function milliseconds(value) {
  return value < 1 ? `${number(value * 1000)} µs` : `${number(value)} ms`;
}

/** For what may take seconds. */
export function duration(ms) {
  return ms < 1000 ? milliseconds(ms) : `${number(ms / 1000)} s`;
}

export function times(value) {
  return `${value.toFixed(2)}x`;
}

export function rate(value, what) {
  return `${number(value)} ${what}/s`;
}

export function count(value) {
  return value.toLocaleString('en-US');
}
