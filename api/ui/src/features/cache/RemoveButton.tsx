import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { CachedModel } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Question } from "../../ui/Question";
import { FileNames } from "./FileNames";

/** Deletes a repository from the disk, after a question that shows its files. What is in use says who uses it. */
export function RemoveButton({ held, onDone }: { held: CachedModel; onDone: (said: string) => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const version = held.model_version;
  const size = (count: number) => bytes(count, i18n.language);
  const remove = useMutation({
    mutationFn: () => got(api.DELETE("/v1/cache/models", { params: { query: { model_version: version } } })),
    onSuccess: async (done) => {
      await client.invalidateQueries({ queryKey: keys.cache });
      setAsking(false);
      onDone(t("cache.removed", { name: version, size: size(done.freed_bytes) }));
    },
  });
  const ask = () => {
    remove.reset();
    setAsking(true);
  };
  const text = [
    held.used_by.length > 0 && t("cache.inUse", { names: held.used_by.join(", ") }),
    t("cache.removeText", { size: size(held.size_bytes) }),
    held.shared && t("cache.removeShared"),
  ];
  return (
    <>
      <Button look="danger" onClick={ask} aria-label={t("cache.removeOf", { name: version })}>
        {t("cache.remove")}
      </Button>
      <Question
        open={asking}
        title={t("cache.removeTitle", { name: version })}
        text={text.filter(Boolean).join(" ")}
        no={t("cache.keep")}
        yes={remove.isPending ? t("cache.removing") : t("cache.remove")}
        busy={remove.isPending || held.used_by.length > 0}
        onNo={() => setAsking(false)}
        onYes={() => remove.mutate()}
      >
        <FileNames version={version} />
        {remove.error && <Failure error={remove.error} />}
      </Question>
    </>
  );
}
