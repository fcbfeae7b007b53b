import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Note } from "../../parts/Note";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { Tabs } from "../../ui/Tabs";
import styles from "./Batches.module.css";
import { BatchList } from "./BatchList";
import { NewBatch } from "./NewBatch";
import { searchOf, TABS } from "./search";

const route = getRouteApi("/batches");

/** The batches of this key, and the way to make one. */
export function BatchesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = searchOf(route.useSearch());
  const { tab, after, file } = search;
  const [isMaking, setMaking] = useState(file !== undefined);
  const [note, setNote] = useState<string | null>(null);
  const show = (change: Record<string, unknown>) =>
    void navigate({ to: "/batches", search: searchOf({ ...search, ...change }), replace: true, resetScroll: false });
  const close = () => {
    setMaking(false);
    show({ file: undefined });
  };
  const tabs = [["all", t("batches.all")], ...TABS.map((one) => [one, t(`batches.tab.${one}`)] as const)] as const;
  return (
    <Page
      title={t("batches.title")}
      actions={
        <Button
          look={isMaking ? "plain" : "primary"}
          aria-expanded={isMaking}
          onClick={isMaking ? close : () => setMaking(true)}
        >
          {t("batches.new")}
        </Button>
      }
    >
      <p className={styles.muted}>{t("batches.intro")}</p>
      {note && <Note text={note} onClose={() => setNote(null)} />}
      {isMaking && (
        <NewBatch
          file={file ?? ""}
          onFile={(id) => show({ file: id })}
          onCreated={({ id }) => {
            setMaking(false);
            show({ file: undefined, tab: undefined, after: undefined });
            setNote(t("batches.created", { id }));
          }}
        />
      )}
      <Tabs
        label={t("batches.column.state")}
        value={tab ?? "all"}
        tabs={tabs}
        onChange={(chosen) => show({ tab: chosen, after: undefined })}
      >
        <BatchList key={`${tab} ${after}`} search={search} onCancelled={() => setNote(t("batches.cancelled"))} />
      </Tabs>
    </Page>
  );
}
