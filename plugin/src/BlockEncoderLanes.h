#ifndef OPENMM_BLOCKENCODERLANES_H_
#define OPENMM_BLOCKENCODERLANES_H_

/* The encoder of a block network. */

#include "DenseLanes.h"

namespace {

using OpenMM::BlockContext;
using OpenMM::BlockInput;
using OpenMM::BlockLayerTable;

/** Torsions, by number; a null pointer means all in their order. */
struct Torsions {
    int count;
    const int* numbers;
    int operator[](int i) const {
        return numbers == nullptr ? i : numbers[i];
    }
};

/** Room for one head's attention. */
struct HeadScratch {
    Rows query, key, value, scores, seen;
};

inline HeadScratch takeHead(const BlockTables& tables, Scratch& room) {
    const int n = tables.torsions, channels = tables.width / tables.heads;
    return {room.take(n, channels), room.take(channels, n), room.take(n, channels), room.take(n, n),
            room.take(n, channels)};
}

/** Scores with which torsions look at others, one row for each that looks. */
inline void score(const BlockTables& tables, int head, const double* bias, const Torsions& looking, const Rows& query,
                  const Torsions& seen, const Rows& key, const HeadScratch& scratch) {
    const int channels = tables.width / tables.heads, first = head * channels, n = tables.torsions;
    for (int r = 0; r < looking.count; r++) {
        for (int c = 0; c < channels; c++)
            scratch.query[r][c] = query[r][first + c];
        for (int s = 0; s < scratch.scores.length; s++)
            scratch.scores[r][s] = s < seen.count ? bias[(long(head) * n + looking[r]) * n + seen[s]] : 0.0;
    }
    for (int c = 0; c < channels; c++)
        for (int s = 0; s < scratch.key.length; s++)
            scratch.key[c][s] = s < seen.count ? key[s][first + c] : 0.0;
    multiply(scratch.key, channels, seen.count, looking.count, scratch.query, Add, scratch.scores);
}

/** What torsions see of all, one head after the other. The key has the values in its second half. */
inline void look(const BlockTables& tables, const double* bias, const Torsions& looking, const Rows& query,
                 const Rows& keyValue, const HeadScratch& scratch, const Rows& seen) {
    const int n = tables.torsions, channels = tables.width / tables.heads;
    for (int head = 0; head < tables.heads; head++) {
        const int first = head * channels;
        score(tables, head, bias, looking, query, {n, nullptr}, keyValue, scratch);
        for (int r = 0; r < looking.count; r++) {
            exponentiate(scratch.scores[r], n);
            const double scale = 1.0 / sumOf(scratch.scores[r], n);
            for (long s = 0; s < scratch.scores.length; s += GENMD_LANES)
                store(scratch.scores[r] + s, scale * load(scratch.scores[r] + s));
        }
        for (int s = 0; s < n; s++)
            for (int c = 0; c < scratch.value.length; c++)
                scratch.value[s][c] = c < channels ? keyValue[s][tables.width + first + c] : 0.0;
        multiply(scratch.value, n, channels, looking.count, scratch.scores, Set, scratch.seen);
        for (int r = 0; r < looking.count; r++)
            for (int c = 0; c < channels; c++)
                seen[r][first + c] = scratch.seen[r][c];
    }
}

/** What is known of all torsions before the first layer. */
inline void embed(const BlockTables& tables, const BlockInput& input, const BlockContext& context, const Rows& x) {
    copyRow(tables.embedding, tables.torsions * x.length, x.values);
    for (int j = 0; j < context.numTorsions; j++) {
        double* row = x[context.torsions[j]];
        for (long i = 0; i < x.length; i += GENMD_LANES)
            store(row + i, load(row + i) + load(tables.unknown + i));
    }
    for (int k = 0; k < input.numKept; k++) {
        const long number = input.kept[k];
        addFeatures(input.keptAngles[k], tables.harmonics, tables.kept + 2 * tables.harmonics * number * x.length,
                    x.length, x[number]);
    }
}

/** Rows of torsions after a layer that lets them see all; y is what they were before it. */
inline void passLayer(const BlockTables& tables, const BlockLayerTable& layer, const Torsions& looking, const Rows& x,
                      Scratch room, const Rows& y) {
    const int n = tables.torsions, width = tables.width, count = looking.count;
    const Rows normal = room.take(n, width), keyValue = room.take(n, 2 * width), query = room.take(n, width);
    const Rows seen = room.take(n, width), hidden = room.take(n, tables.hidden);
    for (int r = 0; r < n; r++)
        normalize(x[r], width, normal[r]);
    apply(layer.keyValue, n, normal, Set, keyValue);
    for (int r = 0; r < count && looking.numbers != nullptr; r++)
        normalize(y[r], width, normal[r]);
    apply(layer.query, count, normal, Set, query);
    look(tables, layer.bias, looking, query, keyValue, takeHead(tables, room), seen);
    apply(layer.out, count, seen, Add, y);
    for (int r = 0; r < count; r++)
        normalize(y[r], width, normal[r]);
    apply(layer.up, count, normal, SetPositive, hidden);
    applySparse(layer.down, count, hidden, Add, y);
}

/** How much each torsion of the block listens to those before it. */
inline void openGates(const BlockTables& tables, const BlockContext& context, const Rows& y, Scratch room) {
    const int m = context.numTorsions, width = tables.width, channels = width / tables.heads;
    const Torsions block = {m, context.torsions};
    const Rows queryKey = room.take(m, 2 * width), gates = {context.gates, rowLength(width)};
    const Rows key = {queryKey.values + width, queryKey.length};
    const HeadScratch scratch = takeHead(tables, room);
    apply(tables.queryKey, m, y, Set, queryKey);
    for (int head = 0; head < tables.heads; head++) {
        score(tables, head, tables.listening, block, queryKey, block, key, scratch);
        for (int j = 0; j < m; j++) {
            double* scores = scratch.scores[j];
            for (int i = 0; i < j; i += GENMD_LANES)
                store(scores + i, 1.0 / (1.0 + exponential(-load(scores + i))));
            for (int i = 0; i < j; i++)
                for (int c = 0; c < channels; c++)
                    gates[long(j) * m + i][head * channels + c] = scores[i];
        }
    }
}

void encodeBlock(const BlockTables& tables, const BlockInput& input, const BlockContext& context, double* scratch) {
    const int n = tables.torsions, m = context.numTorsions, width = tables.width;
    Scratch room = {scratch};
    const Rows x = room.take(n, width), y = room.take(m, width);
    embed(tables, input, context, x);
    for (int l = 0; l + 1 < tables.numLayers; l++)
        passLayer(tables, tables.layers[l], {n, nullptr}, x, room, x);
    // What the last layer makes of the torsions that are kept is of no interest.
    for (int j = 0; j < m; j++)
        copyRow(x[context.torsions[j]], x.length, y[j]);
    passLayer(tables, tables.layers[tables.numLayers - 1], {m, context.torsions}, x, room, y);
    for (int j = 0; j < m; j++)
        normalize(y[j], width, y[j]);
    apply(tables.base, m, y, Set, {context.base, rowLength(width)});
    apply(tables.content, m, y, Set, {context.content, rowLength(tables.hidden)});
    openGates(tables, context, y, room);
}

} // namespace

#endif /*OPENMM_BLOCKENCODERLANES_H_*/
