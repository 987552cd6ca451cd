// The scales of charts: where on the paper a value lies, and which values are written beside an axis.

/** Room beyond the smallest and the largest value. */
const LINEAR_ROOM = 0.05;
/** Within fewer powers of ten than this, twice and five times each power are written as well. */
const FEW_DECADES = 2.5;
const LINEAR_TICKS = 5;

/** Places values of an axis between two coordinates. */
export function scaleOf({ isLog, range }, values, [from, to]) {
  const transform = isLog ? Math.log10 : (value) => value;
  const [least, most] = range ?? roomAround(values, isLog);
  const [low, high] = [transform(least), transform(most)];
  return { least, most, place: (value) => from + ((transform(value) - low) / (high - low)) * (to - from) };
}

/** Whole powers of ten where the scale is logarithmic, so that what hardly changes looks that way. */
function roomAround(values, isLog) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (isLog) {
    const first = Math.floor(Math.log10(least));
    return [10 ** first, 10 ** Math.max(Math.ceil(Math.log10(most)), first + 1)];
  }
  const room = (most - least) * LINEAR_ROOM || 1;
  return [least - room, most + room];
}

/** The values that an axis names. */
export function ticksOf({ isLog, ticks }, { least, most }) {
  const found = ticks ?? (isLog ? logTicks(least, most) : linearTicks(least, most));
  return found.filter((tick) => tick >= least && tick <= most);
}

function logTicks(least, most) {
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const factors = Math.log10(most / least) < FEW_DECADES ? [1, 2, 5] : [1];
  const powers = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  return powers.flatMap((power) => factors.map((factor) => factor * power));
}

function linearTicks(least, most) {
  const wanted = (most - least) / LINEAR_TICKS;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= wanted);
  const first = Math.ceil(least / step);
  return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, index) => (first + index) * step);
}
