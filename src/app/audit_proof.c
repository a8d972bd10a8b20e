#include "app/audit_export.h"

#include "app/journal_view.h"
#include "platform/encoding.h"
#include "platform/file.h"

enum { PROOF_ARENA_BYTES = 64 * 1024, PROOF_FILE_BYTES_MAX = 256 * 1024, PROOF_LEAVES_FIRST = 4096 };

struct leaf {
    struct hash hash;
    int64_t seq;
};
struct proof {
    char opening[64]; /* how the record's frame begins */
    const char *path;
    struct arena arena;  /* of one checkpoint */
    struct leaf *leaves; /* of audit frames that no checkpoint has covered yet */
    size_t count, capacity;
    bool found, written;
    size_t index; /* of the record among leaves */
    int64_t seq;
    struct buffer frame; /* the record itself */
};

static int add_leaf(struct proof *proof, int64_t seq, struct str json) {
    if (proof->count == proof->capacity) {
        if (proof->count >= AUDIT_TRAIL_LEAVES_MAX) return err_origin(-EFBIG);
        size_t wanted = proof->capacity ? proof->capacity * 2 : PROOF_LEAVES_FIRST;
        struct leaf *leaves = realloc(proof->leaves, wanted * sizeof *leaves);
        if (!leaves) return err_origin(-ENOMEM);
        proof->leaves = leaves;
        proof->capacity = wanted;
    }
    proof->leaves[proof->count++] = (struct leaf){ .hash = merkle_leaf(json), .seq = seq };
    if (proof->found || !str_starts(json, str_from_c(proof->opening))) return 0;
    proof->found = true;
    proof->index = proof->count - 1;
    proof->seq = seq;
    buffer_append_str(&proof->frame, json);
    return proof->frame.overflow ? err_origin(-ENOMEM) : 0;
}

static int write_file(struct proof *proof, struct str checkpoint, const struct hash *path, size_t path_len) {
    FILE *file = audit_file_create(proof->path);
    if (!file) return err_origin(-EACCES);
    fprintf(file, "{\"giro_audit_proof\":1,\"index\":%zu,\"path\":[", proof->index);
    for (size_t i = 0; i < path_len; i++) {
        char memory[2 * sizeof(struct hash)];
        struct buffer hex;
        buffer_init(&hex, memory, sizeof memory);
        hex_encode(&hex, &path[i], sizeof path[i]);
        fprintf(file, "%s\"" STR_FMT "\"", i ? "," : "", STR_ARG(buffer_str(&hex)));
    }
    fputs("]}\n", file);
    (void)fwrite(proof->frame.at, 1, proof->frame.len, file);
    fputc('\n', file);
    (void)fwrite(checkpoint.at, 1, checkpoint.len, file);
    fputc('\n', file);
    return audit_file_close(file, proof->path, ferror(file) ? err_origin(-EIO) : 0);
}

/* The checkpoint covers the record: its path among all that it covers. */
static int prove(struct proof *proof, struct str frame, size_t covered) {
    struct hash path[MERKLE_LEVELS_MAX], *hashes = calloc(covered, sizeof *hashes);
    if (!hashes) return err_origin(-ENOMEM);
    for (size_t i = 0; i < covered; i++) hashes[i] = proof->leaves[i].hash;
    size_t len = merkle_path(hashes, covered, proof->index, path);
    free(hashes);
    proof->written = true;
    return err_trace(write_file(proof, frame, path, len));
}

static int take_checkpoint(struct proof *proof, struct str frame) {
    struct audit_checkpoint checkpoint;
    size_t covered = 0;
    arena_reset(&proof->arena);
    int r = audit_checkpoint_parse(frame, &proof->arena, &checkpoint);
    if (r) return r < 0 ? err_trace(r) : err_origin(-EBADMSG);
    while (covered < proof->count && proof->leaves[covered].seq <= checkpoint.seq) covered++;
    if (proof->found && proof->seq <= checkpoint.seq) {
        r = prove(proof, frame, covered);
        return r ? err_trace(r) : 1;
    }
    memmove(proof->leaves, proof->leaves + covered, (proof->count - covered) * sizeof proof->leaves[0]);
    proof->count -= covered;
    proof->index -= proof->found ? covered : 0;
    return 0;
}

static int each_frame(struct journal_walk *walk, const struct journal_row *record, struct str json) {
    struct proof *proof = walk->ctx;
    int r = audit_checkpoint_is(json) ? take_checkpoint(proof, json) : 0;
    return r ? r : add_leaf(proof, record->seq, json);
}

int audit_proof_write(struct store_view *view, const uint8_t id[16], const char *path) {
    char id_text[ID_TEXT_BYTES];
    struct proof proof = { .path = path };
    struct journal_walk walk = { .view = view, .type = JOURNAL_AUDIT, .each = each_frame, .ctx = &proof };
    struct journal_place place = { .epoch = 0 };
    (void)snprintf(proof.opening, sizeof proof.opening, "{\"id\":\"" STR_FMT "\"", STR_ARG(id_format(id, id_text)));
    buffer_init_heap(&proof.frame, JOURNAL_FRAME_BYTES_MAX);
    int r = arena_init(&proof.arena, PROOF_ARENA_BYTES, 4 * PROOF_ARENA_BYTES);
    if (!r) r = journal_walk_run(&walk, &place);
    arena_release(&proof.arena);
    free(proof.leaves);
    buffer_release(&proof.frame);
    if (r) return err_trace(r);
    return proof.written ? 0 : proof.found ? 2 : 1;
}

/* ---- checking ---- */

static bool read_path(struct str line, int64_t *ret_index, struct hash path[MERKLE_LEVELS_MAX], size_t *ret_len) {
    size_t len = 0;
    if (!line_takes(&line, "{\"giro_audit_proof\":1,\"index\":") || !line_takes_number(&line, ret_index) ||
        !line_takes(&line, ",\"path\":["))
        return false;
    while (line.len && line.at[0] != ']') {
        if (len == MERKLE_LEVELS_MAX || (len && !line_takes(&line, ","))) return false;
        if (!line_takes(&line, "\"") || !line_takes_hex(&line, &path[len], sizeof path[len]) ||
            !line_takes(&line, "\""))
            return false;
        len++;
    }
    *ret_len = len;
    return str_equal(line, STR("]}"));
}

/* 0: whether the three lines prove the second. */
static int check_lines(struct str text, const struct key *key, struct arena *arena, struct str *ret_record,
                       bool *ret_holds) {
    struct hash path[MERKLE_LEVELS_MAX];
    struct audit_checkpoint checkpoint;
    struct str head, record, last;
    size_t path_len;
    int64_t index;
    *ret_holds = false;
    if (!str_cut(&text, '\n', &head) || !str_cut(&text, '\n', &record) || !str_cut(&text, '\n', &last) || text.len)
        return 0;
    if (!read_path(head, &index, path, &path_len) || !audit_checkpoint_is(last)) return 0;
    int r = audit_checkpoint_parse(last, arena, &checkpoint);
    if (!r) r = audit_checkpoint_verify(&checkpoint, key);
    if (r) return r < 0 ? err_trace(r) : 0;
    struct hash leaf = merkle_leaf(record);
    *ret_record = record;
    *ret_holds =
        merkle_path_proves(&leaf, (uint64_t)index, (uint64_t)checkpoint.records, path, path_len, &checkpoint.root);
    return 0;
}

int audit_proof_verify(const char *path, const struct key *key, struct arena *arena, struct str *ret_record,
                       bool *ret_holds) {
    struct message message = { .text = "" };
    struct str text;
    int r = file_read_all(path, PROOF_FILE_BYTES_MAX, arena, &text, &message);
    if (r) fprintf(stderr, "giro: %s\n", message.text[0] ? message.text : "the proof cannot be read");
    if (r) return r > 0 ? err_origin(-EACCES) : err_trace(r);
    return err_trace(check_lines(text, key, arena, ret_record, ret_holds));
}
