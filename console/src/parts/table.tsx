// A table of TanStack's: sorted by its heads, gone through with the arrow keys.
import { flexRender, getCoreRowModel, getSortedRowModel, useReactTable, type ColumnDef, type SortingState } from "@tanstack/react-table";
import { useState, type KeyboardEvent, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useWords } from "../i18n";

export interface Column<T> {
  head: string;
  cell: (row: T) => ReactNode;
  /** What it is sorted by; without it, it is not. */
  by?: (row: T) => string | number;
  className?: string;
}

export function Table<T>({ rows, columns, href, label, more, keyOf, className }: {
  rows: T[]; columns: Column<T>[]; href?: (row: T) => string | undefined; label: string; more?: ReactNode; keyOf?: (row: T, i: number) => string; className?: string;
}) {
  const { t } = useWords();
  const [, go] = useLocation();
  const [sorting, setSorting] = useState<SortingState>([]);
  const table = useReactTable<T>({
    data: rows,
    columns: columns.map((c, i): ColumnDef<T> => ({
      id: String(i), header: c.head, accessorFn: c.by, enableSorting: Boolean(c.by), cell: (x) => c.cell(x.row.original), sortDescFirst: false,
    })),
    state: { sorting },
    onSortingChange: setSorting,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getRowId: keyOf,
  });
  const step = (e: KeyboardEvent<HTMLTableRowElement>, to?: string) => {
    if (e.target !== e.currentTarget) return;
    const row = e.currentTarget;
    if (e.key === "Enter" && to) go(to);
    else if (e.key === "ArrowDown" || e.key === "j") (row.nextElementSibling as HTMLElement | null)?.focus();
    else if (e.key === "ArrowUp" || e.key === "k") (row.previousElementSibling as HTMLElement | null)?.focus();
    else return;
    e.preventDefault();
  };
  return (
    <div className={"table-wrap " + (className ?? "")} tabIndex={-1}>
      <table aria-label={label}>
        <thead>
          {table.getHeaderGroups().map((g) => (
            <tr key={g.id}>
              {g.headers.map((h, i) => {
                const sorted = h.column.getIsSorted();
                return (
                  <th key={h.id} scope="col" className={columns[i]!.className} aria-sort={sorted ? (sorted === "asc" ? "ascending" : "descending") : undefined}>
                    {h.column.getCanSort() ? (
                      <button onClick={h.column.getToggleSortingHandler()}>
                        {columns[i]!.head} {sorted === "asc" ? "↑" : sorted === "desc" ? "↓" : ""}
                      </button>
                    ) : columns[i]!.head ? (
                      columns[i]!.head
                    ) : (
                      <span className="visually-hidden">{t("Actions")}</span>
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((r, n) => {
            const to = href?.(r.original);
            return (
              <tr
                key={r.id}
                className={to ? "goes" : undefined}
                tabIndex={to ? (n === 0 ? 0 : -1) : undefined}
                onKeyDown={to ? (e) => step(e, to) : undefined}
                onClick={
                  to
                    ? (e) => {
                        // Links and buttons inside do what they do; a text that is being marked is no click.
                        if ((e.target as HTMLElement).closest("a,button,input") || getSelection()?.toString()) return;
                        if (e.metaKey || e.ctrlKey) window.open(to, "_blank", "noopener");
                        else go(to);
                      }
                    : undefined
                }
              >
                {r.getVisibleCells().map((c, i) => (
                  <td key={c.id} className={columns[i]!.className}>
                    {flexRender(c.column.columnDef.cell, c.getContext())}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {more && <div className="table-more">{more}</div>}
    </div>
  );
}
