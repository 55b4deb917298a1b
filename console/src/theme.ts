// Light or dark: as the system has it, until somebody chooses.
import { useCallback, useEffect, useState } from "react";

export type Theme = "system" | "light" | "dark";
const kept = "imhook.theme";

function stored(): Theme {
  try {
    const k = localStorage.getItem(kept);
    return k === "light" || k === "dark" ? k : "system";
  } catch {
    return "system";
  }
}

export function useTheme(): [dark: boolean, toggle: () => void] {
  const [theme, setTheme] = useState(stored);
  const [systemDark, setSystemDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const m = matchMedia("(prefers-color-scheme: dark)");
    const change = () => setSystemDark(m.matches);
    m.addEventListener("change", change);
    return () => m.removeEventListener("change", change);
  }, []);
  const dark = theme === "dark" || (theme === "system" && systemDark);
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [dark]);
  const toggle = useCallback(() => {
    const next: Theme = dark ? "light" : "dark";
    try {
      localStorage.setItem(kept, next);
    } catch {
      // It holds until the page is left.
    }
    setTheme(next);
  }, [dark]);
  return [dark, toggle];
}
