import { useTranslation } from "react-i18next";
import { decimal } from "../../lib/numbers";
import { CopyButton } from "../../parts/CopyButton";
import { FactList } from "../../ui/FactList";
import { SimilarityMap } from "./SimilarityMap";
import { norm } from "./similarity";

interface Props {
  texts: readonly string[];
  vectors: readonly (readonly number[])[];
  tokens: number;
}

/** What the vectors are, and how similar those of two texts and more. */
export function Vectors({ texts, vectors, tokens }: Props) {
  const { t, i18n } = useTranslation();
  const number = (value: number, digits = 1) => decimal(value, i18n.language, digits);
  const norms = [...new Set(vectors.map((one) => number(norm(one), 3)))];
  const facts = [
    [t("embeddings.vectors"), number(vectors.length)],
    [t("embeddings.dimensions"), number(vectors[0]?.length ?? 0)],
    [t("embeddings.norm"), norms.slice(0, 4).join(", ")],
    [t("embeddings.tokens"), number(tokens)],
  ] as const;
  return (
    <>
      <FactList facts={facts} />
      <p>
        <CopyButton text={JSON.stringify(vectors)} what={t("embeddings.answer")} />
      </p>
      {vectors.length > 1 && <SimilarityMap texts={texts} vectors={vectors} />}
    </>
  );
}
