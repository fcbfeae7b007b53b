import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { catalogueVersionQuery } from "../../api/catalogue";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { CatalogueChange } from "../../api/types";
import { moment } from "../../lib/times";
import { AskButton } from "../../parts/AskButton";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import styles from "./Catalogue.module.css";
import { Changes } from "./Changes";

/** Which catalogue is in use, and the way to a newer one, or back to the one before. */
export function UpdateCard() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { data, error } = useQuery(catalogueVersionQuery);
  const [typed, setTyped] = useState<string | null>(null);
  const [done, setDone] = useState<CatalogueChange | null>(null);
  const place = (typed ?? data?.place ?? "").trim();
  const refresh = async (changed: CatalogueChange) => {
    setDone(changed);
    await client.invalidateQueries({ queryKey: keys.catalogueVersion });
    await client.invalidateQueries({ queryKey: keys.catalogue });
  };
  const update = useMutation({
    mutationFn: () => got(api.POST("/v1/catalogue_versions", { body: { place } })),
    onMutate: () => setDone(null),
    onSuccess: refresh,
  });
  const facts =
    data &&
    ([
      [t("catalogue.update.inUse"), t(`catalogue.update.${data.origin}`)],
      [t("cluster.version"), data.version],
      [t("catalogue.update.families"), String(data.families)],
      [t("catalogue.update.taken"), data.taken_at && moment(1000 * data.taken_at, i18n.language)],
    ] as const);
  return (
    <Card title={t("catalogue.update.title")}>
      {error && <Failure error={error} />}
      {facts && <FactList facts={facts} />}
      <form
        className={styles.update}
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate();
        }}
      >
        <Field label={t("catalogue.update.place")} help={t("catalogue.update.help")}>
          <Input value={typed ?? data?.place ?? ""} onValueChange={setTyped} spellCheck={false} required />
        </Field>
        <div className={styles.acts}>
          <Button type="submit" look="primary" disabled={update.isPending || !place}>
            {t(update.isPending ? "catalogue.update.doing" : "catalogue.update.do")}
          </Button>
          {data?.has_former && (
            <AskButton
              action={t("catalogue.update.back")}
              title={t("catalogue.update.backTitle")}
              text={t("catalogue.update.backText")}
              keep={t("catalogue.update.keep")}
              act={() => got(api.POST("/v1/catalogue_versions/rollback"))}
              onDone={refresh}
            />
          )}
        </div>
      </form>
      {update.error && <Failure error={update.error} />}
      {done && <Changes change={done} />}
    </Card>
  );
}
