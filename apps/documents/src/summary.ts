import { escapeForTerminal, formatBytes, formatCount, formatDuration } from "cofferdam";
import type { ScopeReport } from "cofferdam";
import type { ConvertDocumentsResult } from "./convert-documents.ts";

/** The last lines of a run: what became of the documents, and of the processes. */
export function summarize(result: ConvertDocumentsResult, out: string): string {
  const { counts, durationMs, scope } = result;
  const parts = [
    counts.done > 0 || counts.skipped === 0 ? `${formatCount(counts.done)} converted` : null,
    counts.skipped > 0 ? `${formatCount(counts.skipped)} unchanged` : null,
    `${formatCount(counts.failed)} failed`,
    counts.pending > 0 ? `${formatCount(counts.pending)} not done` : null,
    formatDuration(durationMs),
    scope.peakMemoryBytes.value > 0 ? `peak ${formatBytes(scope.peakMemoryBytes.value)}` : null,
  ];
  const documents = parts.filter((part) => part !== null).join(" · ");
  return `${documents} → ${escapeForTerminal(out)}\n${summarizeProcesses(scope)}\n`;
}

function summarizeProcesses({ processes, containment }: ScopeReport): string {
  const started = `${formatCount(processes.started.value)} processes started`;
  const { left } = processes;
  if (processes.verified) return `${started} · ${left} left (verified: ${containment.tree})`;
  return containment.tree === "namespace"
    ? `${started} · ${left} left (not verified: the kernel keeps them)`
    : `${started} · ${left} seen (${containment.tree}: not verified)`;
}
