"""Writes quant_grids.inc: the codebooks of the IQ storage types, which are facts of the format.

    pip install gguf==0.19.0 && python src/base/gen/quant_grids.py > src/base/quant_grids.inc

An entry is one 16-bit number: eight values of two bits (IQ1, IQ2) or four of four bits (IQ3), lowest first; each of
them selects a level (levels are in quants.c). The package keeps them in the same packing, as hexadecimal text.
"""
import gguf.quants as q

GRIDS = [("iq1", q.IQ1_S), ("iq2_xxs", q.IQ2_XXS), ("iq2_xs", q.IQ2_XS), ("iq2_s", q.IQ2_S), ("iq3_xxs", q.IQ3_XXS), ("iq3_s", q.IQ3_S)]


def main() -> None:
    print("/* quant_grids.inc - written by gen/quant_grids.py from gguf 0.19.0; do not edit. */")
    for name, kind in GRIDS:
        data = bytes.fromhex(kind.grid_hex.decode())
        entries = [data[i] | data[i + 1] << 8 for i in range(0, len(data), 2)]
        assert len(entries) == kind.grid_shape[0], name
        print(f"static const uint16_t {name}_grid[{len(entries)}] = {{")
        for i in range(0, len(entries), 16):
            print("    " + ", ".join(f"0x{e:04x}" for e in entries[i:i + 16]) + ",")
        print("};")


if __name__ == "__main__":
    main()
