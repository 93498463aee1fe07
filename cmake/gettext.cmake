# Catalogues: every text of the programs, whole in every language of po/, or the build fails and shows what is missing.
#   ninja po    brings po/*.po up to date with the sources (new texts arrive untranslated)
find_program(XGETTEXT xgettext REQUIRED)
set(POT ${CMAKE_BINARY_DIR}/po/mejora.pot)
set(LOCALE_DIR ${CMAKE_BINARY_DIR}/share/locale)

file(GLOB_RECURSE PO_SOURCES CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
    client/*.c client/*.h client/*.def common/*.c common/*.h common/*.def)
list(REMOVE_ITEM PO_SOURCES common/ops.def)
list(SORT PO_SOURCES)
set(PO_SCRIPTS demo/common.bash demo/run demo/stop)
list(TRANSFORM PO_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE PO_DEPENDS)
list(TRANSFORM PO_SCRIPTS PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE PO_DEPENDS_TOO)

add_custom_command(OUTPUT ${POT} DEPENDS ${PO_DEPENDS} ${PO_DEPENDS_TOO} VERBATIM WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    COMMAND ${XGETTEXT} --language=C --from-code=UTF-8 --package-name=mejora --add-comments=TRANSLATORS --no-location
        -k_ -kN_ -kgettext -kngettext:1,2 -kpgettext:1c,2 -kMSG:2 -kHEADING:2 -kLABEL:2
        --flag=MSG:2:no-c-format --flag=HEADING:2:no-c-format --flag=LABEL:2:no-c-format
        -o ${POT} ${PO_SOURCES}
    COMMAND ${XGETTEXT} --language=Shell --from-code=UTF-8 --join-existing --no-location -k -kgettext -ktell -knote -kdie -kchapter
        -o ${POT} ${PO_SCRIPTS})

# C.UTF-8 under a name in which gettext translates (common/message.c)
file(MAKE_DIRECTORY ${LOCALE_DIR}/names)
file(CREATE_LINK /usr/lib/locale/C.utf8 ${LOCALE_DIR}/names/es.utf8 SYMBOLIC)
install(DIRECTORY ${LOCALE_DIR}/names DESTINATION share/locale)

file(GLOB CATALOGUES CONFIGURE_DEPENDS po/*.po)
foreach(po IN LISTS CATALOGUES)
    cmake_path(GET po STEM language)
    set(merged ${CMAKE_BINARY_DIR}/po/${language}.po)
    set(mo ${LOCALE_DIR}/${language}/LC_MESSAGES/mejora.mo)
    add_custom_command(OUTPUT ${mo} DEPENDS ${po} ${POT} VERBATIM
        COMMAND cmake -E make_directory ${LOCALE_DIR}/${language}/LC_MESSAGES
        COMMAND msgmerge --quiet --no-fuzzy-matching -o ${merged} ${po} ${POT}
        COMMAND sh -ec "missing=$(msgattrib --untranslated --no-obsolete $0; msgattrib --only-fuzzy --no-obsolete $0); \
test -z \"$missing\" || { echo \"$missing\"; echo \"po/${language}.po: these texts have no translation\"; exit 1; }" ${merged}
        COMMAND msgfmt --check-format --check-domain -o ${mo} ${merged})
    list(APPEND MO ${mo})
    list(APPEND PO_UPDATE COMMAND msgmerge --quiet --no-fuzzy-matching --update --backup=none --no-location ${po} ${POT}
        COMMAND sed -i -e /^.POT-Creation-Date/d -e /^.Report-Msgid-Bugs-To/d ${po}) # they change without a reason
    install(FILES ${mo} DESTINATION share/locale/${language}/LC_MESSAGES)
endforeach()
add_custom_target(catalogues ALL DEPENDS ${MO})
add_custom_target(po ${PO_UPDATE} DEPENDS ${POT} VERBATIM)
