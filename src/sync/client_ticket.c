/* Tickets of the client: for its next connection, or for the next client of the same night. */
#include <stdlib.h>
#include <string.h>

#include "client_priv.h"

/* Whom the server knows by a ticket is who showed this. */
static sotto_status hash_shown(const sotto_client *c, uint8_t out[static SOTTO_SHA256_BYTES])
{
    const mbedtls_x509_crt *own = &c->tls->own;
    memset(out, 0, SOTTO_SHA256_BYTES);
    return own->raw.len == 0 ? SOTTO_OK : sotto_sha256(sotto_span_of(own->raw.p, own->raw.len), out);
}

void sotto_ticket_free(sotto_ticket *ticket)
{
    if (ticket == NULL)
        return;
    mbedtls_ssl_session_free(&ticket->session);
    free(ticket);
}

sotto_ticket *sotto_client_take_ticket(sotto_client *client)
{
    sotto_ticket *ticket = client->ticket;
    client->ticket = NULL;
    return ticket;
}

void sotto_client_give_ticket(sotto_client *client, sotto_ticket *ticket)
{
    uint8_t shown[SOTTO_SHA256_BYTES];
    if (ticket == NULL)
        return;
    bool fits = client->url.scheme == CLIENT_HTTPS && strcmp(client->url.host, ticket->host) == 0 &&
                hash_shown(client, shown) == SOTTO_OK && memcmp(shown, ticket->shown, sizeof shown) == 0;
    if (fits) {
        sotto_ticket_free(client->ticket);
        client->ticket = ticket;
    } else {
        sotto_ticket_free(ticket);
    }
}

/* Without memory there is just no ticket. */
void client_keep_ticket(sotto_client *c)
{
    if (!c->stream.new_ticket)
        return;
    c->stream.new_ticket = false;
    sotto_ticket *ticket = calloc(1, sizeof *ticket);
    if (ticket == NULL)
        return;
    mbedtls_ssl_session_init(&ticket->session);
    ticket->chain = c->stream.chain;
    memcpy(ticket->host, c->url.host, sizeof ticket->host);
    if (hash_shown(c, ticket->shown) != SOTTO_OK ||
        mbedtls_ssl_get_session(&c->stream.ssl, &ticket->session) != 0) {
        sotto_ticket_free(ticket);
        return;
    }
    sotto_ticket_free(c->ticket);
    c->ticket = ticket;
}

sotto_status client_judge_ticket(sotto_client *c, sotto_diag *diag)
{
    bool resumed = c->stream.secure && !c->stream.verified && c->ticket != NULL;
    return resumed ? tls_judge_resumed(&c->stream, &c->ticket->chain, diag) : SOTTO_OK;
}
