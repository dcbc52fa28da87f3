import { CofferdamError } from "../errors/index.ts";

type NumericArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/**
 * A numeric array of several dimensions, its elements row by row. So arrive the arrays of numpy that
 * have more than one dimension, and so they go back.
 */
export type Shaped<Elements extends NumericArray> = Elements & {
  readonly shape: readonly number[];
};

/**
 * Gives an array a shape: `withShape(new Float32Array(6), [2, 3])` becomes two rows of three in
 * Python. Throws `INVALID_ARGUMENT` where the array has not as many elements.
 */
export function withShape<Elements extends NumericArray>(
  elements: Elements,
  shape: readonly number[],
): Shaped<Elements> {
  if (!isShapeOf(shape, elements.length))
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `${elements.length} elements cannot have the shape ${JSON.stringify(shape)}`,
    );
  // Beside the elements, not among them.
  Object.defineProperty(elements, "shape", { value: [...shape], configurable: true });
  return elements as Shaped<Elements>;
}

/** The shape that `withShape` has given. */
export function shapeOf(view: ArrayBufferView): readonly number[] | undefined {
  const { shape, length } = view as { readonly shape?: unknown; readonly length?: number };
  return isShapeOf(shape, length ?? 0) ? shape : undefined;
}

function isShapeOf(shape: unknown, length: number): shape is readonly number[] {
  if (!Array.isArray(shape)) return false;
  const lengths = shape as unknown[];
  return (
    lengths.every((one) => Number.isSafeInteger(one) && Number(one) >= 0) &&
    lengths.reduce<number>((product, one) => product * Number(one), 1) === length
  );
}
