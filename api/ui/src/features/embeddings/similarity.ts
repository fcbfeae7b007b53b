/** The cosine of the angle between two vectors of one length; 0 where one is zero. Pure. */
export function cosine(one: readonly number[], other: readonly number[]): number {
  let [dot, left, right] = [0, 0, 0];
  for (const [index, a] of one.entries()) {
    const b = other[index] ?? 0;
    dot += a * b;
    left += a * a;
    right += b * b;
  }
  return left && right ? dot / Math.sqrt(left * right) : 0;
}

/** The similarity of each text to each. Pure. */
export function similarities(vectors: readonly (readonly number[])[]): number[][] {
  return vectors.map((one) => vectors.map((other) => cosine(one, other)));
}

/** Two texts, by their places, and how similar they are. */
export interface Pair {
  one: number;
  other: number;
  similarity: number;
}

/** The pairs of different texts, the most similar first; at most so many. Pure. */
export function closest(matrix: readonly (readonly number[])[], most: number): Pair[] {
  const pairs = matrix.flatMap((row, one) =>
    row.flatMap((similarity, other) => (other > one ? [{ one, other, similarity }] : [])),
  );
  return pairs.sort((left, right) => right.similarity - left.similarity).slice(0, most);
}

/** The shade of a similarity, from 0 (none, or opposed) to 5 (the same). Pure. */
export function shade(similarity: number): number {
  return Math.max(0, Math.min(5, Math.round(similarity * 5)));
}

/** The length of a vector. Pure. */
export function norm(vector: readonly number[]): number {
  return Math.hypot(...vector);
}
