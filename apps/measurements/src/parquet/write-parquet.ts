import type { FileColumn } from "./columns.ts";
import { writeFooter } from "./footer.ts";
import { writePages, type Chunk } from "./pages.ts";
import { ThriftWriter } from "./thrift.ts";

const magic = Buffer.from("PAR1");
const writer = new ThriftWriter();

/**
 * A Parquet file with these columns, in one row group. It is for the many small files of
 * measurements, most of whose columns say the same in each row: a library that is made for large
 * ones needs four times as long for them. Larger tables are written by `writeTable`.
 */
export function writeParquet(columns: readonly FileColumn[], rows: number): Buffer {
  writer.clear();
  writer.raw(magic);
  const chunks = columns.map((column): Chunk => writePages(writer, column, rows));
  writeFooter(writer, chunks, rows);
  writer.raw(magic);
  return writer.copy();
}
