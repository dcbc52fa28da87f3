import { describe, expect, it } from "vitest";
import { formatBytes, parseSize, UnitError } from "../../src/units/index.ts";

describe("parseSize", () => {
  it.each([
    [0, 0],
    [4096, 4096],
    [0.5, 1],
    ["0", 0],
    ["4096", 4096],
    ["512B", 512],
    ["2 GB", 2e9],
    ["2GB", 2e9],
    [" 2gb ", 2e9],
    ["1.5 MB", 1.5e6],
    ["64kB", 64_000],
    ["1TB", 1e12],
    ["512MiB", 512 * 1024 ** 2],
    ["1KiB", 1024],
    ["2 GiB", 2 * 1024 ** 3],
    ["1TiB", 1024 ** 4],
    ["64K", 65_536],
    ["10M", 10 * 1024 ** 2],
    ["1.5g", 1.5 * 1024 ** 3],
    ["1T", 1024 ** 4],
  ])("reads %j as %d bytes", (given, bytes) => {
    expect(parseSize(given)).toBe(bytes);
  });

  it.each([
    "",
    " ",
    "much",
    "-1",
    "-2GB",
    "GB",
    "2 G B",
    "2 PB",
    "2 bytes",
    "1e9",
    "1,000",
    "2.GB",
    ".5GB",
    "2iB",
    "0x10",
    "2GB2",
    "99999999TB",
    -1,
    NaN,
    Infinity,
    2 ** 60,
  ])("refuses %j", (given) => {
    expect(() => parseSize(given)).toThrow(UnitError);
  });

  it("names the text and the accepted forms", () => {
    expect(() => parseSize("much")).toThrow(
      /^"much" is not a size: .*"2 GB".*1000.*"512MiB".*1024/,
    );
    expect(() => parseSize(undefined as never)).toThrow(/^undefined is not a size/);
  });
});

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [-1, "0 B"],
    [999, "999 B"],
    [1000, "1 KB"],
    [1540, "1.5 KB"],
    [9949, "9.9 KB"],
    [9951, "10 KB"],
    [210e6, "210 MB"],
    [999.4e6, "999 MB"],
    [999.6e6, "1 GB"],
    [1.5e9, "1.5 GB"],
    [2e15, "2,000 TB"],
    [NaN, "?"],
  ])("shows %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("is read back within what it shows, for any size below 1000 TB", () => {
    for (let exponent = 0; exponent < 14.9; exponent += 0.003) {
      const bytes = Math.round(10 ** exponent);
      const back = parseSize(formatBytes(bytes));
      expect(Math.abs(back - bytes) / bytes, `${bytes} bytes`).toBeLessThanOrEqual(0.05);
    }
  });
});
