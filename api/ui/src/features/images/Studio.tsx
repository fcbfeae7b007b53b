import { useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AskedJob } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { useModelFor } from "../../parts/useModelFor";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { Tabs } from "../../ui/Tabs";
import { draftOf } from "./draft";
import { fileAt, filesGiven } from "./fetching";
import { Gallery } from "./Gallery";
import styles from "./Images.module.css";
import { type Files, isAble, type Mode, modeOf, modeOfJob, NO_FILES, PAGES, type PageName } from "./modes";
import { RequestForm } from "./RequestForm";
import { sampleOf } from "./sample";
import { useDraft } from "./useDraft";

/** What a model is asked to draw, to change or to film, and what has come of it. */
export function Studio({ page }: { page: PageName }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearch({ strict: false });
  const mode = modeOf(page, search.mode);
  const { models, model, error } = useModelFor((one) => isAble(one, mode), search.model);
  const asked = models?.find(({ id }) => id === model);
  const { draft, change } = useDraft(page, t(`images.sample.${sampleOf(page, asked)}`));
  const [files, setFiles] = useState<Files>(NO_FILES);
  const [filled, setFilled] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const show = (next: Mode, uid: string | undefined) => {
    const { after } = search;
    const shown = { ...(uid && { model: uid }), mode: next, ...(after && { after }) };
    return navigate({ to: `/${page}`, search: shown, replace: true });
  };
  const turn = (next: Mode) => show(next, asked && isAble(asked, next) ? model : undefined);
  const take = useMutation({
    mutationFn: async ({ given, act }: { given: () => Promise<Files>; act: () => unknown }) => {
      setFiles(await given());
      setFilled((count) => count + 1);
      await act();
      form.current?.querySelector<HTMLElement>("textarea")?.focus();
    },
  });
  const again = (before: AskedJob, seed: string | null) => {
    const { model: used } = before.input;
    const next = modeOfJob(before.kind, before.input, before.files);
    const act = () => {
      change(draftOf(before.input, seed));
      return show(next, typeof used === "string" ? used : undefined);
    };
    take.mutate({ given: () => filesGiven(before, next), act });
  };
  const edit = (url: string) =>
    take.mutate({
      given: async () => ({ ...NO_FILES, image: await fileAt(url) }),
      act: () => (mode === "draw" ? turn("edit") : undefined),
    });
  return (
    <Page title={t(`nav.page.${page}`)}>
      {error && <Failure error={error} />}
      {take.error && <Failure error={take.error} />}
      <div className={styles.studio}>
        <Card title={t(`images.mode.${mode}`)}>
          <Tabs
            label={t("images.modes")}
            value={mode}
            tabs={PAGES[page].map((one): [Mode, string] => [one, t(`images.mode.${one}`)])}
            onChange={(next) => void turn(next)}
          >
            <RequestForm
              mode={mode}
              models={models}
              model={model}
              draft={draft}
              files={files}
              filled={filled}
              focus={form}
              onModel={(chosen) => void show(mode, chosen)}
              onDraft={change}
              onFiles={setFiles}
            />
          </Tabs>
        </Card>
        <Gallery
          page={page}
          newest={{ model: search.model, mode: search.mode }}
          after={search.after}
          onAgain={again}
          onEdit={edit}
        />
      </div>
    </Page>
  );
}
