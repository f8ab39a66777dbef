/**
 * Cosine and sine from additions and multiplications alone, in one fixed order.
 *
 * ECMAScript leaves the last bits of `Math.cos` and `Math.sin` to the engine; the demo's files must be the same bytes on
 * every machine.
 */

export interface Direction {
  cosine: number;
  sine: number;
}

/** The unit vector at an angle given in turns (1 is a full circle), to about fourteen digits. */
export function portableDirection(turns: number): Direction {
  // A quarter of the angle lies within +-pi/4, where Taylor's series converges fast; two doublings bring the angle back.
  const angle = (turns - Math.round(turns)) * (Math.PI / 2);
  const square = angle * angle;
  let sine =
    angle *
    (1 -
      (square / 6) *
        (1 -
          (square / 20) *
            (1 -
              (square / 42) * (1 - (square / 72) * (1 - (square / 110) * (1 - (square / 156) * (1 - square / 210)))))));
  let cosine =
    1 -
    (square / 2) *
      (1 -
        (square / 12) *
          (1 - (square / 30) * (1 - (square / 56) * (1 - (square / 90) * (1 - (square / 132) * (1 - square / 182))))));
  for (let doubling = 0; doubling < 2; doubling += 1) {
    const doubleSine = 2 * sine * cosine;
    cosine = 1 - 2 * sine * sine;
    sine = doubleSine;
  }
  return { cosine, sine };
}
