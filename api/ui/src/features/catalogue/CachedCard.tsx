import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { cacheQuery } from "../../api/cache";
import { keys } from "../../api/queries";
import type { CatalogueModel } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { Note } from "../../parts/Note";
import { RemoveCached } from "../../parts/RemoveCached";
import { UsedBy } from "../../parts/UsedBy";
import { Card } from "../../ui/Card";
import { Table } from "../../ui/Table";
import { sourcesOf } from "./lines";

/** The repositories of a model that lie in the cache, and the way to be rid of them; nothing where none do. */
export function CachedCard({ model }: { model: CatalogueModel }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { data } = useQuery({ ...cacheQuery, enabled: model.cached });
  const [note, setNote] = useState<string | null>(null);
  const sources = sourcesOf(model.weights);
  const held = (data?.list ?? []).filter((one) => sources.has(one.model_version));
  if (held.length === 0 && !note) return null;
  const columns = [t("cache.repository"), t("cache.size"), t("cache.usedBy"), t("cache.actions")];
  return (
    <Card title={t("catalogue.cached")}>
      {note && <Note text={note} onClose={() => setNote(null)} />}
      {held.length > 0 && (
        <Table label={t("catalogue.cached")} columns={columns}>
          {held.map((one) => (
            <tr key={one.path}>
              <td>{one.model_version}</td>
              <td>{bytes(one.size_bytes, i18n.language)}</td>
              <td>
                <UsedBy uids={one.used_by} />
              </td>
              <td>
                <RemoveCached
                  held={one}
                  onDone={(said) => {
                    setNote(said);
                    void client.invalidateQueries({ queryKey: keys.catalogue });
                  }}
                />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
