import { beforeEach, describe, expect, it, vi } from "vitest";

async function fresh() {
  vi.resetModules();
  return import("./missing");
}

const gone = () => Promise.reject(new Error("Failed to fetch dynamically imported module: http://x/a.js"));

describe("files of pages", () => {
  beforeEach(() => sessionStorage.clear());

  it("are given as they come", async () => {
    const { whole } = await fresh();
    expect(await whole(async () => "files", "Page")).toBe("files");
  });

  it("are not asked for again by a page that has missed some", async () => {
    const { whole, MissingPage } = await fresh();
    await expect(whole(gone, "Page")).rejects.toThrow(MissingPage);
    const other = vi.fn(async () => "files");
    await expect(whole(other, "Other")).rejects.toThrow(MissingPage);
    expect(other).not.toHaveBeenCalled();
  });

  it("are worth one new loading until they have come", async () => {
    const { whole, takeTurn } = await fresh();
    expect([takeTurn("Page"), takeTurn("Page"), takeTurn("Other")]).toEqual([true, false, true]);
    await whole(async () => "files", "Page");
    expect(takeTurn("Page")).toBe(true);
  });

  it("bring no new loading where nothing is kept, which would never end", async () => {
    const { takeTurn } = await fresh();
    const refused = vi.spyOn(Storage.prototype, "getItem").mockImplementation(() => {
      throw new DOMException("refused", "SecurityError");
    });
    expect(takeTurn("Page")).toBe(false);
    refused.mockRestore();
  });
});
