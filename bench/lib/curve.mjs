// Recall against queries per second: which settings are worth having, and what is between two of them.

/**
 * The settings that no other beats in both recall and rate, ascending by recall.
 *
 * @param {{ recall: number, rate: number }[]} points
 */
export function frontier(points) {
  const kept = [];
  for (const point of [...points].sort((a, b) => b.recall - a.recall || b.rate - a.rate)) {
    if (kept.length === 0 || point.rate > kept.at(-1).rate) kept.push(point);
  }
  return kept.reverse();
}

/**
 * Queries per second at a recall: between two neighbouring settings the logarithm of the rate is taken as linear in the
 * recall. Where even the quickest setting has more recall, its rate is answered; where none reaches it, undefined.
 */
export function rateAt(points, recall) {
  const curve = frontier(points);
  const next = curve.findIndex((point) => point.recall >= recall);
  if (next === -1) return undefined;
  if (next === 0) return curve[0].rate;
  const [below, above] = [curve[next - 1], curve[next]];
  const share = (recall - below.recall) / (above.recall - below.recall);
  return Math.exp(Math.log(below.rate) * (1 - share) + Math.log(above.rate) * share);
}

/** The quickest setting that reaches a recall; where none does, the one that comes nearest. */
export function pointAt(points, recall) {
  const curve = frontier(points);
  return curve.find((point) => point.recall >= recall) ?? curve.at(-1);
}
