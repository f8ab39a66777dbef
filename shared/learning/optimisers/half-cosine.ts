/** Falls from `from` to `to` along half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983) as `share` goes from 0 to 1. */
export function halfCosine(share: number, { from, to }: { readonly from: number; readonly to: number }): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
}
