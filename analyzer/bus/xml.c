#include "analyzer/bus/bus-private.h"

#include <expat.h>

/*
 * The files come from a root that nobody vouches for: depth and text are bounded, and a file that
 * declares an entity is refused, so that nothing grows and nothing else is read.
 */

enum { DEPTH_MAX = 32, TEXT_MAX = 4096 };

struct reader {
        struct imm_xml *x;
        XML_Parser parser;
        unsigned depth;
        char text[TEXT_MAX];
        size_t n_text;
};

/* For a limit of ours */
static void refuse(struct reader *r, const char *why) {
        r->x->limit |= !r->x->problem;
        if (!r->x->problem)
                r->x->problem = why;
        (void)XML_StopParser(r->parser, XML_FALSE);
}

static void at_event(struct reader *r) {
        r->x->line = (unsigned)XML_GetCurrentLineNumber(r->parser);
}

static void start(void *data, const char *name, const char **attributes) {
        struct reader *r = data;

        at_event(r);
        if (++r->depth > DEPTH_MAX) {
                refuse(r, "elements are nested too deeply");
                return;
        }
        r->n_text = 0;
        r->x->start(r->x, name, attributes);
        if (r->x->problem)
                refuse(r, r->x->problem);
}

/* Without the blanks around it */
static const char *text_of(struct reader *r) {
        char *s = r->text;

        r->text[r->n_text] = 0;
        while (*s && strchr(" \t\r\n", *s))
                s++;
        for (size_t n = strlen(s); n > 0 && strchr(" \t\r\n", s[n - 1]); n--)
                s[n - 1] = 0;
        return s;
}

static void end(void *data, const char *name) {
        struct reader *r = data;

        at_event(r);
        r->depth--;
        r->x->end(r->x, name, text_of(r));
        r->n_text = 0;
        if (r->x->problem)
                refuse(r, r->x->problem);
}

static void characters(void *data, const char *s, int n) {
        struct reader *r = data;

        if (r->n_text + (size_t)n >= sizeof(r->text))
                return; /* a long text is none of those that are asked for */
        memcpy(r->text + r->n_text, s, (size_t)n);
        r->n_text += (size_t)n;
}

static void entity(void *data, const char *name, int parameter, const char *value, int n,
        const char *base, const char *system, const char *public, const char *notation) {
        (void)name, (void)parameter, (void)value, (void)n, (void)base, (void)system, (void)public,
                (void)notation;
        refuse(data, "it declares an entity");
}

static void parser_freep(XML_Parser *p) {
        if (*p)
                XML_ParserFree(*p);
}

const char *imm_xml_read(struct imm_xml *x, const char *text, size_t size, struct imm_arena *a) {
        __attribute__((cleanup(parser_freep))) XML_Parser p = XML_ParserCreate(NULL);
        struct reader *r = imm_new(a, struct reader);
        enum XML_Status status;

        if (!p)
                imm_oom();
        *r = (struct reader){.x = x, .parser = p};
        XML_SetUserData(p, r);
        XML_SetElementHandler(p, start, end);
        XML_SetCharacterDataHandler(p, characters);
        XML_SetEntityDeclHandler(p, entity);
        x->line = 0;
        x->problem = NULL;
        status = XML_Parse(p, text, (int)size, 1);
        if (x->problem)
                return x->problem;
        if (status == XML_STATUS_OK)
                return NULL;
        x->line = (unsigned)XML_GetCurrentLineNumber(p);
        return imm_strdup(a, XML_ErrorString(XML_GetErrorCode(p)));
}

const char *imm_xml_attribute(const char **attributes, const char *name) {
        for (size_t i = 0; attributes[i]; i += 2)
                if (imm_streq(attributes[i], name))
                        return attributes[i + 1];
        return NULL;
}
