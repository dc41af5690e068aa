#include "analyzer/sandbox/access/boot-private.h"

#include <fnmatch.h>
#include <linux/posix_acl.h>

/* ---- which lines are about a path ---- */

static bool fits(const struct imm_boot_change *c, const char *path) {
        if (strncmp(c->pattern, path, c->plain) != 0)
                return false;
        if (!c->pattern[c->plain])
                return !path[c->plain];
        return fnmatch(c->pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0;
}

/* ... or about a folder above it */
static bool fits_above(const struct imm_boot_change *c, const char *path, struct imm_arena *a) {
        for (size_t n = strlen(path); n > 1; n--) {
                if (path[n - 1] != '/')
                        continue;
                if (n - 1 < c->plain)
                        return false;
                if (fits(c, imm_strndup(a, path, n - 1)))
                        return true;
        }
        return false;
}

static bool is_empty(const struct imm_boot *boot, const char *path) {
        struct imm_dirent *entries;
        size_t n;

        return imm_root_list(boot->root, path, boot->a, &entries, &n) == 0 && n == 0;
}

bool imm_boot_removes(const struct imm_boot *boot, const char *path, const struct imm_node *n) {
        if (n->state != IMM_NODE_PRESENT)
                return false;
        imm_array_foreach (c, &boot->changes) {
                switch (c->what) {
                case 'r':
                        if (fits(c, path) && (!S_ISDIR(n->mode) || is_empty(boot, path)))
                                return true;
                        break;
                case 'R':
                        if (fits(c, path) || fits_above(c, path, boot->a))
                                return true;
                        break;
                case 'D':
                        if (fits_above(c, path, boot->a))
                                return true;
                        break;
                default:
                        break;
                }
        }
        return false;
}

/* ---- owners and modes ---- */

/* chmod(2) where there is an ACL: the group's bits are its mask */
static void change_mask(const struct imm_boot *boot, struct imm_node *n) {
        size_t size = sizeof(*n->acl) + n->acl->n * sizeof(struct imm_acl_entry);
        struct imm_acl *acl = imm_alloc(boot->a, size);

        memcpy(acl, n->acl, size);
        for (size_t i = 0; i < acl->n; i++)
                switch (acl->v[i].tag) {
                case ACL_USER_OBJ:
                        acl->v[i].perm = n->mode >> 6 & 7;
                        break;
                case ACL_MASK:
                        acl->v[i].perm = n->mode >> 3 & 7;
                        break;
                case ACL_OTHER:
                        acl->v[i].perm = n->mode & 7;
                        break;
                default:
                        break;
                }
        n->acl = acl;
}

void imm_boot_own(const struct imm_boot *boot, const struct imm_boot_item *i, struct imm_node *n) {
        if (i->has_mode && !i->mode_at_creation) {
                mode_t mode = i->mode;

                if (i->masked) { /* no more than there is some of */
                        if (!(n->mode & 0111))
                                mode &= ~(mode_t)0111;
                        if (!(n->mode & 0222))
                                mode &= ~(mode_t)0222;
                        if (!(n->mode & 0444))
                                mode &= ~(mode_t)0444;
                        if (!S_ISDIR(n->mode))
                                mode &= ~(mode_t)07000;
                }
                n->mode = (n->mode & S_IFMT) | mode;
                if (n->acl)
                        change_mask(boot, n);
        }
        if (i->has_uid && !i->owner_at_creation)
                n->uid = i->uid;
        if (i->has_gid && !i->owner_at_creation)
                n->gid = i->gid;
}

/* ---- ACLs ---- */

struct acl {
        IMM_ARRAY(struct imm_acl_entry) entries;
};

static struct imm_acl_entry *entry(struct acl *l, unsigned short tag, unsigned id) {
        imm_array_foreach (e, &l->entries)
                if (e->tag == tag && (e->id == id || (tag != ACL_USER && tag != ACL_GROUP)))
                        return e;
        return NULL;
}

static void put(const struct imm_boot *boot, struct acl *l, unsigned short tag, unsigned id,
        unsigned short perm) {
        struct imm_acl_entry *e = entry(l, tag, id);

        if (!e)
                e = imm_array_push(boot->a, &l->entries);
        *e = (struct imm_acl_entry){.tag = tag, .perm = perm, .id = id};
}

static bool id_of(const struct imm_boot *boot, bool is_user, const char *name, unsigned *ret) {
        unsigned long long n;

        if (imm_parse_u64(name, &n)) {
                *ret = (unsigned)n;
                return true;
        }
        if (imm_streq(name, "root")) {
                *ret = 0;
                return true;
        }
        if (is_user) {
                const struct imm_user *u = imm_user_by_name(boot->users, name);

                *ret = u ? u->uid : 0;
                return u;
        }
        const struct imm_group *g = imm_group_by_name(boot->users, name);

        *ret = g ? g->gid : 0;
        return g;
}

/* "group:adm:r-x" into @l; false for what is no such entry */
static bool put_text(
        const struct imm_boot *boot, struct acl *l, const char *text, const struct imm_node *n) {
        const char *first = strchr(text, ':'), *second = first ? strchr(first + 1, ':') : NULL;
        const char *perms, *name;
        unsigned short perm = 0;
        unsigned id = 0;

        if (!first)
                return false;
        name = second ? imm_strndup(boot->a, first + 1, (size_t)(second - first - 1)) : "";
        for (perms = second ? second + 1 : first + 1; *perms; perms++)
                if (*perms == 'r')
                        perm |= IMM_MAY_READ;
                else if (*perms == 'w')
                        perm |= IMM_MAY_WRITE;
                else if (*perms == 'x' || (*perms == 'X' && (S_ISDIR(n->mode) || n->mode & 0111)))
                        perm |= IMM_MAY_EXEC;
        switch (*text) {
        case 'u':
        case 'g':
                if (*name && !id_of(boot, *text == 'u', name, &id))
                        return false;
                if (*text == 'u')
                        put(boot, l, *name ? ACL_USER : ACL_USER_OBJ, id, perm);
                else
                        put(boot, l, *name ? ACL_GROUP : ACL_GROUP_OBJ, id, perm);
                return true;
        case 'm':
                put(boot, l, ACL_MASK, 0, perm);
                return true;
        case 'o':
                put(boot, l, ACL_OTHER, 0, perm);
                return true;
        default:
                return false;
        }
}

static void add_base(const struct imm_boot *boot, struct acl *l, const struct imm_node *n) {
        static const struct {
                unsigned short tag;
                unsigned shift;
        } base[] = {{ACL_USER_OBJ, 6}, {ACL_GROUP_OBJ, 3}, {ACL_OTHER, 0}};

        for (size_t i = 0; i < IMM_ELEMENTSOF(base); i++)
                if (!entry(l, base[i].tag, 0))
                        put(boot, l, base[i].tag, 0, n->mode >> base[i].shift & 7);
}

/* Whoever is named needs a mask: if none is given, one that takes nothing away. */
static void add_mask(const struct imm_boot *boot, struct acl *l) {
        unsigned short perm = 0;
        bool named = false;

        if (entry(l, ACL_MASK, 0))
                return;
        imm_array_foreach (e, &l->entries) {
                named |= e->tag == ACL_USER || e->tag == ACL_GROUP;
                if (e->tag != ACL_USER_OBJ && e->tag != ACL_OTHER)
                        perm |= e->perm;
        }
        if (named)
                put(boot, l, ACL_MASK, 0, perm);
}

/* In the order that the kernel keeps and asks them */
static int by_tag(const void *a, const void *b) {
        const struct imm_acl_entry *x = a, *y = b;

        return x->tag != y->tag ? (x->tag > y->tag) - (x->tag < y->tag)
                                : (x->id > y->id) - (x->id < y->id);
}

static void set_acl(
        const struct imm_boot *boot, const struct imm_boot_change *c, struct imm_node *n) {
        struct acl l = {0};
        const struct imm_acl_entry *group;
        bool any = false;

        if (c->more && n->acl)
                for (size_t i = 0; i < n->acl->n; i++)
                        *imm_array_push(boot->a, &l.entries) = n->acl->v[i];
        if (c->more)
                add_base(boot, &l, n);
        for (const char *p = c->acl; *p;) {
                size_t k = strcspn(p, ",");
                const char *text = imm_strndup(boot->a, p + strspn(p, " "), k);

                text = imm_strndup(boot->a, text, strcspn(text, ","));
                if (*text != 'd')
                        any |= put_text(boot, &l, text, n);
                p += k;
                p += *p == ',';
        }
        if (!any)
                return;
        add_base(boot, &l, n);
        add_mask(boot, &l);
        group = entry(&l, ACL_MASK, 0);
        n->mode = (n->mode & ~(mode_t)0777) | (mode_t)entry(&l, ACL_USER_OBJ, 0)->perm << 6 |
                  (mode_t)(group ? group : entry(&l, ACL_GROUP_OBJ, 0))->perm << 3 |
                  entry(&l, ACL_OTHER, 0)->perm;
        n->acl = NULL;
        if (group) {
                struct imm_acl *acl = imm_alloc(
                        boot->a, sizeof(*acl) + l.entries.n * sizeof(struct imm_acl_entry));

                acl->n = l.entries.n;
                memcpy(acl->v, l.entries.v, l.entries.n * sizeof(struct imm_acl_entry));
                qsort(acl->v, acl->n, sizeof(struct imm_acl_entry), by_tag);
                n->acl = acl;
        }
}

void imm_boot_adjust(const struct imm_boot *boot, const char *path, struct imm_node *n) {
        if (n->state != IMM_NODE_PRESENT || S_ISLNK(n->mode))
                return;
        imm_array_foreach (c, &boot->changes) {
                bool deep = c->what == 'Z' || c->what == 'A';

                if (!strchr("zmZaAe", c->what) ||
                        !(fits(c, path) || (deep && fits_above(c, path, boot->a))))
                        continue;
                if (c->what == 'e' && !S_ISDIR(n->mode))
                        continue;
                if (c->acl)
                        set_acl(boot, c, n);
                else
                        imm_boot_own(boot, &c->item, n);
        }
}
