import { describe, expect, it } from "vitest";
import { dateInPath, LocalZone, parseTime, resolveStart } from "../../src/format/start-time.ts";
import { runIdOf } from "../../src/stage/measurement.ts";

const santiago = new LocalZone("America/Santiago");

describe("the start of a measurement", () => {
  it("is seconds since the epoch, or ISO 8601", () => {
    expect(parseTime("1726394856.2")).toBe(1726394856200000);
    expect(parseTime("1726394856.1234567")).toBe(1726394856123457);
    expect(parseTime("2024-09-15T10:07:36.2Z")).toBe(1726394856200000);
    expect(parseTime("2024-09-15 07:07:36.2-03:00")).toBe(1726394856200000);
    expect(parseTime("2024-09-15")).toBe(1726358400000000);
    expect(parseTime("yesterday")).toBeNull();
    expect(parseTime("2024-13-15")).toBeNull();
  });

  it("is by the header, else by the path, else by the file", () => {
    const at = (time: string | undefined, path: string) =>
      resolveStart(time, path, Date.UTC(2025, 0, 2), santiago);
    expect(at("1726394856.2", "2020-01-01/x.csv")).toMatchObject({
      date: "2024-09-15",
      origin: "meta",
    });
    expect(at(undefined, "raw/2024-01-15/x.csv")).toEqual({
      micros: Date.UTC(2024, 0, 15, 3) * 1000,
      date: "2024-01-15",
      origin: "path",
    });
    expect(at("soon", "raw/x.csv")).toMatchObject({ date: "2025-01-01", origin: "mtime" });
  });

  it("is dated where it was measured, not in Greenwich", () => {
    expect(santiago.dateOf(Date.UTC(2024, 8, 16, 1))).toBe("2024-09-15");
    expect(new LocalZone("Asia/Tokyo").dateOf(Date.UTC(2024, 8, 15, 20))).toBe("2024-09-16");
  });

  it("begins a day by the offset before a change where midnight is left out", () => {
    // In 2024 Chile went from 24:00 on 7 September to 01:00 on the 8th.
    expect(santiago.midnightOf("2024-09-08")).toBe(Date.UTC(2024, 8, 8, 4));
    expect(santiago.midnightOf("2024-09-09")).toBe(Date.UTC(2024, 8, 9, 3));
    expect(santiago.midnightOf("2024-07-01")).toBe(Date.UTC(2024, 6, 1, 4));
    expect(new LocalZone("Asia/Kathmandu").midnightOf("2024-07-01")).toBe(
      Date.UTC(2024, 5, 30, 18, 15),
    );
  });

  it("is found in a path when it is a date", () => {
    expect(dateInPath("a/20240915/x")).toBe("2024-09-15");
    expect(dateInPath("a/2024_09_15/x")).toBe("2024-09-15");
    expect(dateInPath("a/2024-13-40/x")).toBeNull();
  });

  it("makes the run's id as the laboratory's programs do", () => {
    // sha1("data/IV2024-09-15_1.csv|1726394856.2") and with a whole number of seconds, by hashlib.
    const id = (micros: number) =>
      runIdOf("data/IV2024-09-15_1.csv", { micros, date: "", origin: "meta" });
    expect(id(1726394856200000)).toBe("1bed7a9197ec1881");
    expect(id(1726394856000000)).toBe("1bf331a1dee821e8");
  });
});
