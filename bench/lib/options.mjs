// The options of npm run bench.

import { parseArgs } from 'node:util';
import { StepFailed } from '../../scripts/lib/steps.mjs';

const ROUNDS = { full: 7, quick: 3 };
/** In sections whose rounds take minutes, where none are asked for. */
const LONG_ROUNDS = { full: 3, quick: 1 };

/** `json` is a file's name, or '' for the standard output, or undefined. `longRounds` are for sections with long rounds. */
export function readOptions(given, sectionNames) {
  // The only option whose value may be left out, which parseArgs knows no way to say.
  const args = given.map((argument, index) => {
    const next = given[index + 1];
    return argument === '--json' && (next === undefined || next.startsWith('-')) ? '--json=' : argument;
  });
  const values = parse(args);
  const only = values.only?.split(',') ?? sectionNames;
  const unknown = only.find((name) => !sectionNames.includes(name));
  if (unknown !== undefined) {
    throw new StepFailed(`--only knows ${sectionNames.join(', ')}, not '${unknown}'`);
  }
  const rounds = Number(values.rounds ?? (values.quick ? ROUNDS.quick : ROUNDS.full));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new StepFailed('--rounds must be a whole number from 1 on');
  const longRounds = values.rounds === undefined ? LONG_ROUNDS[values.quick ? 'quick' : 'full'] : rounds;
  const { json, quick, large } = values;
  return { json, only, quick, large, rounds, longRounds, build: !values['no-build'] };
}

function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        json: { type: 'string' },
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        large: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        'no-build': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new StepFailed(error.message);
  }
}

/** The command that takes the same figures again. */
export function commandOf({ only, quick, large, rounds }, sectionNames) {
  const args = [
    ...(only.length < sectionNames.length ? ['--only', only.join(',')] : []),
    ...(quick ? ['--quick'] : []),
    ...(large ? ['--large'] : []),
    ...(rounds === (quick ? ROUNDS.quick : ROUNDS.full) ? [] : ['--rounds', String(rounds)]),
  ];
  return ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
}
