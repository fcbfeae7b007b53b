import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, got } from "../api/client";
import { keys } from "../api/queries";
import type { CachedModel } from "../api/types";
import { bytes } from "../lib/numbers";
import { AskButton } from "./AskButton";
import { CachedFiles } from "./CachedFiles";

/** Deletes a repository from the disk, after a question that shows its files. What is in use says who uses it. */
export function RemoveCached({ held, onDone }: { held: CachedModel; onDone: (said: string) => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const version = held.model_version;
  const size = (count: number) => bytes(count, i18n.language);
  const remove = async () => {
    const done = await got(api.DELETE("/v1/cache/models", { params: { query: { model_version: version } } }));
    await client.invalidateQueries({ queryKey: keys.cache });
    return done;
  };
  const text = [
    held.used_by.length > 0 && t("cache.inUse", { names: held.used_by.join(", ") }),
    t("cache.removeText", { size: size(held.size_bytes) }),
    held.shared && t("cache.removeShared"),
  ];
  return (
    <AskButton
      action={t("cache.remove")}
      doing={t("cache.removing")}
      name={t("cache.removeOf", { name: version })}
      title={t("cache.removeTitle", { name: version })}
      text={text.filter(Boolean).join(" ")}
      keep={t("cache.keep")}
      isBarred={held.used_by.length > 0}
      act={remove}
      onDone={(done) => onDone(t("cache.removed", { name: version, size: size(done.freed_bytes) }))}
    >
      <CachedFiles version={version} />
    </AskButton>
  );
}
