"""An application with one list that has everything: filter, sort, include, exclude, pages and cursors."""

from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request, Response
from pydantic import Field
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from stationmaster.db.base import Json
from stationmaster.db.engine import Database
from stationmaster.db.listing import Document, Resource, field
from stationmaster.web.items import Item, make_item
from stationmaster.web.listing import ListQuery, list_query
from stationmaster.web.openapi import complete
from stationmaster.web.paging import CursorPage, CursorPageParamsDep, LargePage, paginate
from stationmaster.web.schema import Output
from stationmaster.web.session import ReadSessionDep
from tests.web.building import make_app


class Base(DeclarativeBase):
    """Declares the table of these tests."""


class Book(Base):
    """Stands on the shelf."""

    __tablename__ = "books"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(50))
    year: Mapped[int | None] = mapped_column(sa.Integer)
    reader: Mapped[str | None] = mapped_column(sa.String(50))
    facts: Mapped[dict[str, Any]] = mapped_column(Json)


class BookOut(Output):
    """A book."""

    id: int
    title: str = Field(examples=["Emma"])
    year: int | None


class BookItem(BookOut, Item):
    """A book in a list."""

    pages: int | None = Field(None, description="How many it has.")
    reader: str | None = Field(None, description="Who has it.")


c: Any = Book.__table__.c
BOOKS = Resource(
    "books",
    key=field("id", c.id),
    fields=(
        field("title", c.title),
        field("year", c.year),
        field("reader", c.reader, is_restricted=True),
        Document("facts", c.facts, alias="meta"),
    ),
)
BookQuery = Annotated[ListQuery, Depends(list_query(BOOKS, BookItem, default_sort="-year"))]


def make_shelf_app(database: Database) -> FastAPI:
    """Build the application; `?is_admin=true` makes an administrator."""
    app = make_app()
    app.state.database = database

    @app.get("/books")
    async def list_books(
        *,
        session: ReadSessionDep,
        query: BookQuery,
        params: CursorPageParamsDep,
        request: Request,
        response: Response,
        is_admin: bool = False,
    ) -> LargePage[BookItem] | CursorPage[BookItem]:
        plan = query.plan(is_admin=is_admin)

        async def show(rows: Sequence[Book]) -> list[BookItem]:
            return [
                make_item(BookItem, BookOut.model_validate(row), plan.fields, pages=100, reader=row.reader)
                for row in rows
            ]

        page: LargePage[BookItem] | CursorPage[BookItem] = await paginate(
            session,
            plan.narrow(sa.select(Book)),
            params,
            request=request,
            response=response,
            order=plan.order,
            transform=show,
        )
        return page

    return app


def described(app: FastAPI) -> dict[str, Any]:
    """Return the completed OpenAPI document."""
    return complete(app.openapi())
