/** `node packages/cofferdam/test/escapes/write-page.ts` after a change of the promises. */
import { writeFileSync } from "node:fs";
import { pagePath, renderPage } from "./page.ts";

writeFileSync(pagePath, await renderPage());
