import { MediaRenditionMenu } from "media-chrome/menu";
import { quality } from "./quality.ts";

type Rendition = MediaRenditionMenu["mediaRenditionList"][number];

/** The menu of qualities, by the names of their rungs. The player's own choice, which holds at first, comes first. */
class QualityMenu extends MediaRenditionMenu {
  override attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    super.attributeChangedCallback(name, before, after); // may have made the items anew
    const [first] = this.items;
    const auto = this.items.find((item) => item.value === "auto");
    if (auto && auto !== first) this.defaultSlot.prepend(auto);
  }

  override formatRendition({ width = 0, height = 0 }: Rendition): string {
    return quality(width, height);
  }

  /** The text of an item, which is the player's own choice when it is of no rendition. */
  override formatMenuItemText(text: string, rendition?: Rendition): string {
    if (rendition) return text;
    return this.mediaHeight > 0 ? `Auto (${quality(this.mediaWidth, this.mediaHeight)})` : "Auto";
  }
}

customElements.define("quality-menu", QualityMenu);
