import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { keys } from "../../api/queries";

/** What options are, in other languages than the engines' own: by the English words. */
const files: Record<string, () => Promise<{ default: Record<string, string> }>> = {
  "zh-CN": () => import("./described/zh-CN.json"),
};

/** The description of an option in the reader's language; null where there is none but the engine's own. */
export function useDescribed(): (english: string) => string | null {
  const { i18n } = useTranslation();
  const load = files[i18n.language];
  const { data } = useQuery({
    queryKey: keys.described(i18n.language),
    queryFn: async () => (await load?.())?.default ?? {},
    enabled: load !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (english) => data?.[english] ?? null;
}
