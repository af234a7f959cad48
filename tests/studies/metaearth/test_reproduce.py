def test_all(study):
    from earthloom.studies.metaearth.reproduce import reproduce

    print(reproduce(study, (1, 2, 3, 4, 5, 6))[1].read_text())
