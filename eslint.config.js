import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/**
 * The floors of the house, lowest first. A file may import from its own floor's folder and from
 * lower floors only; `events` and the files beside the folders may be imported by everybody.
 */
const floors = [
  ["keeper", "budget"],
  ["scope"],
  ["worker"],
  ["shared"],
  ["pool"],
  ["guard", "pipeline", "doctor"],
  ["cli"],
];

const layering = floors.flatMap((folders, level) =>
  folders.map((folder) => {
    const forbidden = floors
      .slice(level)
      .flat()
      .filter((other) => other !== folder);
    return {
      files: [`packages/cofferdam/src/${folder}/**/*.ts`],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: forbidden.map((other) => ({
              regex: `^(\\.\\./)+${other}/`,
              message: `Imports run downward only: ${folder} may not import from ${other}.`,
            })),
          },
        ],
      },
    };
  }),
);

export default defineConfig([
  globalIgnores(["**/node_modules/", "**/dist/", "**/build/", "**/out/", "coverage/"]),
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "no-console": "error",
    },
  },
  {
    files: ["**/*.{js,cjs}"],
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        require: "readonly",
        module: "writable",
        __dirname: "readonly",
        Buffer: "readonly",
        URL: "readonly",
      },
    },
  },
  {
    files: ["scripts/**", "lab/**", "bench/**", "examples/**"],
    rules: { "no-console": "off" },
  },
  {
    files: ["apps/*/src/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { regex: "^cofferdam/.+", message: "Apps import the public entry of cofferdam alone." },
            {
              regex: "packages/cofferdam",
              message: "Apps import the public entry of cofferdam alone.",
            },
          ],
        },
      ],
    },
  },
  ...layering,
  {
    files: ["packages/cofferdam/src/events/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: floors.flat().map((other) => ({
            regex: `^(\\.\\./)+${other}/`,
            message: `events may not import from ${other}: everybody emits events, events know nobody.`,
          })),
        },
      ],
    },
  },
]);
