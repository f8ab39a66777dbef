/** The door to the reference cases: computes one of them with what this project has. */
export { runGoldenCase } from './golden/run-golden-case.ts';
