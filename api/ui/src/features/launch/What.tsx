import { useTranslation } from "react-i18next";
import { Choice } from "../../ui/Choice";
import { Cascade } from "./Cascade";
import type { Draft } from "./draft";
import type { FieldsProps } from "./fields";
import { NameField } from "./NameField";
import { PlaceFields } from "./PlaceFields";
import type { Form } from "./useForm";

interface Props extends FieldsProps {
  form: Form;
  onFill: (draft: Draft) => void;
}

/** What is launched: a model of the catalogue, with the choice of its weights, or weights at a path. */
export function What({ form, onFill, ...fields }: Props) {
  const { t } = useTranslation();
  const { draft, atPlace } = form;
  const toPlace = (place: string) => {
    const { model_name: _, ...rest } = withoutWeights(draft);
    onFill({ ...rest, model_path: place });
  };
  const toName = () => {
    const { model_path: _, ...rest } = withoutWeights(draft);
    onFill(rest);
  };
  return (
    <>
      <Choice
        label={t("launch.from")}
        value={atPlace ? "place" : "catalogue"}
        options={[
          ["catalogue", t("launch.ofCatalogue")],
          ["place", t("launch.ofPlace")],
        ]}
        onChange={(chosen) => (chosen === "place" ? toPlace("") : toName())}
      />
      {atPlace ? (
        <PlaceFields {...fields} />
      ) : (
        <>
          <NameField onPlace={toPlace} {...fields} />
          <Cascade form={form} {...fields} />
        </>
      )}
    </>
  );
}

/** A form without what is said of the weights of another model. */
function withoutWeights(draft: Draft): Draft {
  const { model_engine, model_format, model_size_in_billions, quantization, model_type, ...rest } = draft;
  return rest;
}
